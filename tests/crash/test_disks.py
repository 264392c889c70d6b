"""The disk of the event files freezes, fills, turns read-only or is emptied while trainers log.

A trainer notices nothing; what it has logged is in the files, once, when the disk is well again.
"""

from __future__ import annotations

import contextlib
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tbxd.ask import ask
from tbxd_client import SummaryWriter
from tbxd_wire import places
from tests.waiting import wait_until

from . import disks, producer
from .field import Daemon
from .judge import Verdict, event_files, judge
from .ledger import Ledger
from .pace import Pace

_FIRST, _MEANWHILE, _LAST = 1000, 100_000, 1000

_LARGEST_BYTES = 1 << 19
_PORTIONS = 60
"""A trainer's portions of _FIRST records make some MiB."""


@contextlib.contextmanager
def frozen(disk: Path, _daemon: Daemon) -> Iterator[None]:
    """Every write blocks."""
    disks.run("fsfreeze", "--freeze", str(disk))
    try:
        yield
    finally:
        disks.run("fsfreeze", "--unfreeze", str(disk))


@contextlib.contextmanager
def read_only(disk: Path, daemon: Daemon) -> Iterator[None]:
    """No file may be opened for writing: those that are open go with their daemon."""
    daemon.stop()
    disks.run("mount", "-o", "remount,ro", str(disk))
    try:
        yield
    finally:
        disks.run("mount", "-o", "remount,rw", str(disk))


@contextlib.contextmanager
def immutable(disk: Path, _daemon: Daemon) -> Iterator[None]:
    """Not even root may make a file in the run directory."""
    for path in (disk / "run").iterdir():
        path.unlink()
    disks.run("chattr", "+i", str(disk / "run"))
    try:
        yield
    finally:
        disks.run("chattr", "-i", str(disk / "run"))


@contextlib.contextmanager
def full(disk: Path, _daemon: Daemon) -> Iterator[None]:
    """Not a byte is left."""
    hog = disk / "hog"
    with hog.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    with hog.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(512))
    try:
        yield
    finally:
        hog.unlink()


_ATTACKS: dict[
    str, tuple[Callable[[Path, Daemon], contextlib.AbstractContextManager[None]], bool]
] = {
    "log disk frozen": (frozen, False),
    "log disk read-only": (read_only, False),
    "run directory immutable, its file deleted": (immutable, True),
    "log disk full": (full, False),
}
"""What is done to the disk, and whether that takes what was there before."""


@pytest.mark.parametrize("attack", _ATTACKS)
def test_a_disk_that_comes_back(
    tmp_path: Path, daemon: Daemon, ledger: Ledger, attack: str
) -> None:
    breaking, takes_all = _ATTACKS[attack]
    pace = Pace()
    with disks.disk(tmp_path) as disk:
        run = disk / "run"
        writer = SummaryWriter(run)
        pace.log(writer, 0, _FIRST)
        writer.flush()
        with breaking(disk, daemon):
            pace.log(writer, _FIRST, _MEANWHILE)
            other = SummaryWriter(tmp_path / "other")
            pace.log(other, 0, 10)
            # Nothing that is stuck makes it wait any longer than it was told to.
            pace.close(other, timeout_s=1.0)
        pace.log(writer, _FIRST + _MEANWHILE, _LAST)
        writer.flush()
        pace.close(writer)
        wait_until(lambda: not daemon.journals(), "all is written")
        begun = _FIRST + _MEANWHILE + _LAST
        first = _FIRST if takes_all else 0
        verdict = judge(run, begun, begun, first=first)
        ledger.enter(attack, [verdict], pace=pace)
        assert verdict.good, verdict
        assert judge(tmp_path / "other", 10, 10).good
        assert pace.slowest_call_s < 0.5
        daemon.stop()


def test_a_disk_that_loses_what_it_took(tmp_path: Path, daemon: Daemon, ledger: Ledger) -> None:
    """With ``--fsync commit`` it is written again, and read back from the disk itself."""
    pace = Pace()
    with disks.thin_disk(tmp_path) as disk:
        run = disk.where / "run"
        daemon.start("--fsync", "commit")
        writer = SummaryWriter(run)
        pace.log(writer, 0, _FIRST)
        writer.flush()
        with disk.exhausted():
            pace.log(writer, _FIRST, _MEANWHILE)
            wait_until(lambda: "sync failed" in writer.stats()["trouble"], "the writer knows")
        pace.log(writer, _FIRST + _MEANWHILE, _LAST)
        writer.flush()
        pace.close(writer)
        daemon.stop()
        disk.mount_anew()
        begun = _FIRST + _MEANWHILE + _LAST
        verdict = judge(run, begun, begun)
    ledger.enter("log disk loses what it took", [verdict], pace=pace)
    assert verdict.good, verdict
    assert pace.slowest_call_s < 0.5


@pytest.mark.parametrize("lives", [1, 3])
def test_files_that_cannot_grow_any_more(
    tmp_path: Path, daemon: Daemon, ledger: Ledger, lives: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a file system does not let one file hold goes into several, also of several daemons."""
    monkeypatch.setenv(places.AUTOSTART_VARIABLE, "0")
    run = tmp_path / "run"
    pace = Pace()
    writer = SummaryWriter(run)
    begun = 0
    for _ in range(lives):
        daemon.start()
        pid = daemon.pid()
        assert pid is not None
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (_LARGEST_BYTES, _LARGEST_BYTES))
        for _ in range(_PORTIONS // lives):
            # Little enough that no batch is larger than a file.
            writer.flush()
            pace.log(writer, begun, _FIRST)
            begun += _FIRST
        if lives > 1:
            daemon.kill()
    if lives > 1:
        daemon.start()
    pace.close(writer)
    wait_until(lambda: not daemon.journals(), "all is written")
    verdict = judge(run, begun, begun)
    ledger.enter(f"files cannot grow, daemons: {lives}", [verdict], pace=pace)
    assert verdict.good, verdict
    sizes = [path.stat().st_size for path in event_files(run)]
    assert len(sizes) > 5
    assert max(sizes) <= _LARGEST_BYTES


def test_a_run_directory_that_is_deleted(tmp_path: Path, daemon: Daemon, ledger: Ledger) -> None:
    """Who deletes it decides about what was in it; what is logged later is in a new file."""
    run = tmp_path / "run"
    pace = Pace()
    writer = SummaryWriter(run)
    pace.log(writer, 0, _FIRST)
    writer.flush()
    shutil.rmtree(run)
    pace.log(writer, _FIRST, _MEANWHILE)
    writer.flush()
    pace.close(writer)
    begun = _FIRST + _MEANWHILE
    verdict = judge(run, begun, begun, first=_FIRST)
    ledger.enter("run directory deleted", [verdict], pace=pace)
    assert verdict.good, verdict


def test_a_daemon_with_few_descriptors(tmp_path: Path, daemon: Daemon, ledger: Ledger) -> None:
    """Many more runs than it may have files open."""
    daemon.start()
    pid = daemon.pid()
    assert pid is not None
    first = SummaryWriter(tmp_path / "first")
    first.add_scalar(producer.TAG, producer.value_of(0), 0)
    first.flush()
    open_now = ask(str(daemon.directory))["daemon"]["open_descriptors"]
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (open_now + 2, before[1]))
    pace = Pace()
    verdicts: list[Verdict] = []
    writers = [SummaryWriter(tmp_path / f"run{number}") for number in range(50)]
    for number, writer in enumerate(writers):
        pace.log(writer, 0, 1000 + number)
    for number, writer in enumerate(writers):
        writer.flush()
        pace.close(writer)
        verdicts.append(judge(tmp_path / f"run{number}", 1000 + number, 1000 + number))
    first.close()
    assert daemon.pid() == pid
    ledger.enter("daemon short of descriptors", verdicts, pace=pace)
    assert all(verdict.good for verdict in verdicts), verdicts


@pytest.mark.parametrize("what", ["socket", "journal", "lock"])
def test_what_lies_in_the_runtime_directory_is_deleted(
    tmp_path: Path, daemon: Daemon, ledger: Ledger, what: str
) -> None:
    run = tmp_path / "run"
    pace = Pace()
    writer = SummaryWriter(run)
    pace.log(writer, 0, _FIRST)
    writer.flush()
    ending = {"socket": ".sock", "journal": ".journal", "lock": ".lock"}[what]
    for path in daemon.directory.iterdir():
        if path.name.endswith(ending):
            path.unlink()
    pace.log(writer, _FIRST, _MEANWHILE)
    writer.flush()
    pace.close(writer)
    begun = _FIRST + _MEANWHILE
    verdict = judge(run, begun, begun)
    ledger.enter(f"{what} deleted", [verdict], pace=pace)
    assert verdict.good, verdict


def test_a_disk_that_is_frozen_for_long(tmp_path: Path, daemon: Daemon) -> None:
    """``close()`` returns when its time is over, though the daemon does not answer."""
    with disks.disk(tmp_path) as disk:
        run = disk / "run"
        writer = SummaryWriter(run)
        writer.add_scalar(producer.TAG, producer.value_of(0), 0)
        writer.flush()
        with frozen(disk, daemon):
            writer.add_scalar(producer.TAG, producer.value_of(1), 1)
            before = time.monotonic()
            writer.close(timeout_s=0.5)
            assert 0.4 < time.monotonic() - before < 1.5
        wait_until(lambda: not daemon.journals(), "all is written")
        assert judge(run, 2, 2).good
        daemon.stop()
