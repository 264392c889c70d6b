"""The journal under what may come between two steps: signals, interrupts, destructors, death."""

from __future__ import annotations

import contextlib
import gc
import itertools
import mmap
import os
import random
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tbxd_client.journal import Journal
from tbxd_client.mapping import FRESH_SUFFIX
from tests.waiting import wait_until

from .journals import (
    SESSION,
    Sender,
    make_segments_small,
    number_of,
    numbered,
    open_journal,
    put,
)
from .leftovers import read_session


@contextlib.contextmanager
def alarms(handler: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Yield a function that has ``handler`` called once, a random moment from now."""
    randomness = random.Random(1)
    before = signal.signal(signal.SIGALRM, lambda number, place: handler())
    try:
        yield lambda: signal.setitimer(signal.ITIMER_REAL, randomness.uniform(5e-6, 4e-4)) and None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_interrupts_at_random_instants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C, 3,000 times: what had returned is there, in order, once; the lock is free."""
    make_segments_small(monkeypatch)
    journal = open_journal(str(tmp_path))
    inside = False
    interrupts = 0

    def interrupt() -> None:
        nonlocal interrupts
        if inside:
            interrupts += 1
            raise KeyboardInterrupt

    attempted = 0
    returned: list[int] = []
    with alarms(interrupt) as arm, Sender(journal) as sender:
        while interrupts < 3000:
            try:
                inside = True
                arm()
                while True:
                    attempted += 1
                    if put(journal, attempted):
                        returned.append(attempted)
            except KeyboardInterrupt:
                inside = False
        journal.append(numbered(attempted + 1))
    found = [number_of(body)[1] for body in sender.bodies]
    assert all(earlier < later for earlier, later in itertools.pairwise(found))
    assert set(returned) <= set(found)
    # An interrupted append may have put its record there or not; no other ever does.
    assert len(found) <= len(returned) + interrupts + 1
    assert found[-1] == attempted + 1
    # A file that an interrupt has caught unborn is a daemon's to clean up; there is no other.
    assert [name for name in os.listdir(tmp_path) if not name.endswith(FRESH_SUFFIX)] == []


def test_a_signal_handler_that_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_segments_small(monkeypatch)
    journal = open_journal(str(tmp_path))
    handled = 0

    def log() -> None:
        nonlocal handled
        handled += 1
        assert put(journal, handled, author=1)
        arm()

    logged = 0
    with alarms(log) as arm, Sender(journal) as sender:
        arm()
        while handled < 3000:
            logged += 1
            assert put(journal, logged)
        signal.setitimer(signal.ITIMER_REAL, 0)
        logged += 1
        assert journal.append(numbered(logged))
    found = [number_of(body) for body in sender.bodies]
    assert [number for author, number in found if author == 0] == list(range(1, logged + 1))
    assert [number for author, number in found if author == 1] == list(range(1, handled + 1))


class LogsWhenDestroyed:
    """Garbage that only the collector can destroy, and that logs when it does."""

    journal: Journal
    destroyed = 0

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        type(self).destroyed += 1
        assert self.journal.append(numbered(self.destroyed, author=1))


def test_a_destructor_that_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_segments_small(monkeypatch)
    journal = LogsWhenDestroyed.journal = open_journal(str(tmp_path))
    threshold = gc.get_threshold()
    try:
        with Sender(journal) as sender:
            for number in range(1, 3001):
                body = numbered(number)
                gc.set_threshold(1_000_000, 1000, 1000)
                LogsWhenDestroyed()
                # The collector runs at the next allocation that it knows of, or some later one:
                # in the midst of an append.
                gc.set_threshold(number % 5 + 1, 1000, 1000)
                assert journal.append(body)
            # The sender may be collecting just now; then this collects nothing.
            wait_until(lambda: (gc.collect(), LogsWhenDestroyed.destroyed)[1] == 3000, "garbage")
    finally:
        gc.set_threshold(*threshold)
    found = [number_of(body) for body in sender.bodies]
    assert [number for author, number in found if author == 0] == list(range(1, 3001))
    assert [number for author, number in found if author == 1] == list(range(1, 3001))


def test_leaving_from_within_an_append_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal handler closes the writer while a record is on its way into the journal."""
    make_segments_small(monkeypatch)
    journal = open_journal(str(tmp_path))
    make = journal._supply._make

    def interrupted(size: int, base: int, *, bulky: bool) -> object:
        assert journal.append(b"of the handler")
        journal.leave()
        assert not journal.closed
        assert not journal.append(b"too late")
        return make(size, base, bulky=bulky)

    monkeypatch.setattr(journal._supply, "_make", interrupted)
    assert journal.append(bytes(4000))
    assert journal.append(bytes(200))
    assert journal.closed
    found = read_session(str(tmp_path), SESSION)
    assert found.bodies == [bytes(4000), bytes(200), b"of the handler"]
    assert not journal.append(b"too late")
    assert read_session(str(tmp_path), SESSION) == found


def test_many_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_segments_small(monkeypatch)
    journal = open_journal(str(tmp_path))
    start = threading.Barrier(8)
    refused: list[int] = []

    def log(author: int) -> None:
        start.wait()
        for number in range(1, 2001):
            if not journal.append(numbered(number, author)):
                refused.append(author)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with Sender(journal) as sender:
            threads = [threading.Thread(target=log, args=(author,)) for author in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
                assert not thread.is_alive()
    finally:
        sys.setswitchinterval(interval)
    assert refused == []
    found = [number_of(body) for body in sender.bodies]
    for author in range(8):
        numbers = [number for each, number in found if each == author]
        assert numbers == list(range(1, 2001))


TRAINER = """
import mmap, sys
from tests.client.journals import numbered, open_journal
with open(sys.argv[2], "r+b") as file:
    counter = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")
journal = open_journal(sys.argv[1])
number = 0
while True:
    number += 1
    journal.append(numbered(number) + b"." * (number % 97 == 0) * 3000)
    counter[0] = number
"""


@pytest.mark.parametrize("records", [1, 1000, 30_000, 100_000, 150_000])
def test_sigkill(tmp_path: Path, records: int) -> None:
    """Every record whose append had returned is in the files, whole and in order."""
    directory = tmp_path / "tbxd"
    directory.mkdir()
    counter = tmp_path / "counter"
    counter.write_bytes(bytes(8))
    with counter.open("r+b") as file:
        mapped = mmap.mmap(file.fileno(), 8)
    command = [sys.executable, "-c", TRAINER, str(directory), str(counter)]
    with subprocess.Popen(command) as trainer:
        try:
            wait_until(
                lambda: trainer.poll() is not None or struct.unpack("Q", mapped)[0] >= records,
                f"{records} records",
            )
        finally:
            trainer.kill()
    (returned,) = struct.unpack("Q", mapped)
    assert returned >= records
    bodies = read_session(str(directory), SESSION).bodies
    assert returned <= len(bodies) <= returned + 1
    for number, body in enumerate(bodies, 1):
        assert body == numbered(number) + b"." * (number % 97 == 0) * 3000
