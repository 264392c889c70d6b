"""One disk: a write that does not come back holds up its own file, and no other's sync."""

from __future__ import annotations

import errno
import itertools
import os
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tbxd.config import Config, Fsync
from tbxd.sinks.disk import Disk
from tbxd.sinks.event_file import EventFile
from tbxd.sinks.patience import Patience
from tbxd.sinks.ticket import Ticket
from tests.waiting import wait_until

from .test_event_file import buffer

SHORT_S = 0.02


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What keeps the writes of some files until it is set."""
    made = threading.Event()
    yield made
    made.set()


@pytest.fixture
def disk(gate: threading.Event) -> Iterator[Disk]:
    config = Config("/nowhere", fsync=Fsync.INTERVAL, fsync_interval_s=10.0)
    made = Disk(config, lambda: None, patience=Patience(SHORT_S))
    yield made
    gate.set()
    made.close()


class Kept(EventFile):
    """An event file whose writes are kept."""

    gate: threading.Event

    def append(self, buffer: bytes, *, only_here: bool = False) -> int:
        self.gate.wait()
        return super().append(buffer, only_here=only_here)


def goes_on(disk: Disk, now: float, condition: Callable[[], bool]) -> bool:
    disk.begin(now)
    disk.finish(now)
    return condition()


def settle(disk: Disk) -> None:
    """Have all written and synced."""
    clock = itertools.count(100.0, 100.0)
    wait_until(
        lambda: goes_on(disk, next(clock), lambda: disk.settled), "all is written and synced"
    )


def written(disk: Disk, directory: Path) -> EventFile:
    """Return a file that is written and not synced."""
    file = EventFile(str(directory), disk.descriptors, host="host", doubting=True)
    disk.write(Ticket(file, buffer("a")))
    wait_until(lambda: goes_on(disk, 0.0, lambda: disk.deadline == 10.0), "it is written")
    return file


def keep(disk: Disk, directory: Path, gate: threading.Event) -> EventFile:
    """Have the disk write another file, and not get on with it."""
    file = Kept(str(directory), disk.descriptors, host="host")
    file.gate = gate
    disk.write(Ticket(file, buffer("b")))
    disk.begin(0.0)
    wait_until(lambda: disk.writing.is_late, "it is kept")
    return file


def test_what_is_written_is_synced(disk: Disk, tmp_path: Path, gate: threading.Event) -> None:
    file = written(disk, tmp_path / "a")
    other = keep(disk, tmp_path / "b", gate)
    disk.finish(9.0)
    assert file.synced == 0
    # And not when there is word to be given of the other: the clock of the machine is beyond that.
    assert disk.deadline == 10.0
    wait_until(lambda: goes_on(disk, 10.0, lambda: file.synced == file.written), "it is synced")
    assert other.written == 0
    gate.set()
    settle(disk)
    assert other.synced == other.written > 0


def test_what_comes_while_a_write_is_late_is_written_behind_it(
    gate: threading.Event, tmp_path: Path
) -> None:
    """In the very turn in which that is over: nothing would wake the loop for another."""
    woken = threading.Event()
    config = Config("/nowhere", fsync=Fsync.NEVER)
    disk = Disk(config, woken.set, patience=Patience(SHORT_S))
    file = keep(disk, tmp_path / "a", gate)
    disk.finish(0.0)
    disk.write(Ticket(file, buffer("c")))
    disk.begin(0.0)
    disk.finish(0.0)
    assert not woken.is_set()
    while not disk.settled:
        gate.set()
        assert woken.wait(30.0), "nobody wakes the loop"
        woken.clear()
        disk.begin(0.0)
        disk.finish(0.0)
    assert not file.pending
    disk.close()


class Stepped(EventFile):
    """An event file each of whose writes waits for leave of its own."""

    leave: queue.SimpleQueue[None]

    def append(self, buffer: bytes, *, only_here: bool = False) -> int:
        self.leave.get()
        return super().append(buffer, only_here=only_here)


def test_a_file_that_is_always_being_written_is_synced_all_the_same(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each write is late, and the next one waits when it is over."""
    syncs: list[int] = []
    monkeypatch.setattr(os, "fdatasync", syncs.append)
    file = Stepped(str(tmp_path), disk.descriptors, host="host")
    file.leave = queue.SimpleQueue()
    disk.write(Ticket(file, buffer("a")))
    disk.begin(0.0)
    for now in itertools.count(10.0, 10.0):
        disk.write(Ticket(file, buffer("b")))
        write = disk._write
        assert write is not None
        wait_until(lambda: disk.writing.is_late, "it is late")
        file.leave.put(None)
        wait_until(write.done, "it is over")
        disk.begin(now)
        disk.finish(now)
        assert disk._write is not write
        if disk._sync is not None:
            wait_until(disk._sync.done, "it is synced")
        if now >= 100.0:
            break
    assert len(syncs) >= 3
    for _ in range(2):
        file.leave.put(None)
    settle(disk)


def test_a_sync_that_fails_is_noted(
    disk: Disk, tmp_path: Path, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    file = written(disk, tmp_path / "a")
    keep(disk, tmp_path / "b", gate)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", fail)
        wait_until(lambda: goes_on(disk, 10.0, lambda: file.trouble is not None), "it is noted")
    assert "a sync failed" in (file.trouble or "")
    gate.set()
    settle(disk)
