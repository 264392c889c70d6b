"""The journal under what may come between two steps: signals, interrupts, destructors, death."""

from __future__ import annotations

import contextlib
import dis
import gc
import inspect
import itertools
import mmap
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tbxd_client import appending
from tbxd_client.appending import Appender
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


def switching(frame: FrameType, event: str, argument: Any) -> Any:
    """A tracer that gives other threads every chance to come in between two lines."""
    time.sleep(0)
    return switching


@pytest.mark.parametrize("how", ["as they come", "traced", "always with the lock"])
def test_many_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    make_segments_small(monkeypatch)
    monkeypatch.setattr(appending, "_HAS_GIL", how != "always with the lock")
    journal = open_journal(str(tmp_path))
    start = threading.Barrier(8)
    refused: list[int] = []
    count = 300 if how == "traced" else 2000

    def log(author: int) -> None:
        start.wait()
        for number in range(1, count + 1):
            if not journal.append(numbered(number, author)):
                refused.append(author)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with Sender(journal) as sender:
            if how == "traced":
                threading.settrace(switching)
            threads = [threading.Thread(target=log, args=(author,)) for author in range(8)]
            for thread in threads:
                thread.start()
            threading.settrace(None)
            for thread in threads:
                thread.join(30)
                assert not thread.is_alive()
    finally:
        sys.setswitchinterval(interval)
    assert refused == []
    found = [number_of(body) for body in sender.bodies]
    for author in range(8):
        numbers = [number for each, number in found if each == author]
        assert numbers == list(range(1, count + 1))


def test_the_quick_way_is_one_step() -> None:
    """Where it compares and stores, no bytecode lets other code run, on the Python of this test.

    What may stand there: loads of names and attributes (the class has no properties among them),
    comparisons and sums of ints, whether a number is 0, stores into memoryviews and instance
    attributes, jumps forward.
    """
    assert not hasattr(Journal, "__getattr__")
    assert not any(hasattr(Journal, name) for name in ("_tail", "_stop", "_frames", "_words"))
    line = None
    step: list[str] = []
    for each in dis.get_instructions(Appender.append):
        # Up to 3.12 an instruction says its line only where it changes.
        line = getattr(each, "line_number", each.starts_line or line)
        step += [each.opname] if line == _line_of_the_step() else []
    stores = [name for name in step if name.startswith("STORE_")]
    assert stores[:3] == ["STORE_SUBSCR", "STORE_SUBSCR", "STORE_ATTR"]
    jumps = ("JUMP_FORWARD", "POP_JUMP_IF", "POP_JUMP_FORWARD_IF")
    harmless = (
        "LOAD_",
        "COMPARE_OP",
        "BINARY_OP",
        "SWAP",
        "COPY",
        "STORE_",
        "CACHE",
        "NOP",
        "TO_BOOL",
        *jumps,
    )
    assert [name for name in step if not name.startswith(harmless)] == []


def _line_of_the_step() -> int:
    lines, first = inspect.getsourcelines(Appender.append)
    (found,) = [at for at, line in enumerate(lines) if "self._tail == tail" in line]
    return first + found


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


FORKING = """
import os, signal, sys, time
from tests.client.journals import numbered, open_journal

journal = open_journal(sys.argv[1])
parent = os.getpid()
forked_at = 0
number = 0

def fork(*arguments):
    global forked_at
    if os.fork() == 0:
        journal.forget_parent()
        # The parent is far ahead when this child goes on with what it was in the midst of.
        time.sleep(0.05)
    forked_at = number

signal.signal(signal.SIGALRM, fork)
signal.setitimer(signal.ITIMER_REAL, float(sys.argv[2]))
while os.getpid() == parent and not (forked_at and number >= forked_at + 300):
    number += 1
    journal.append(numbered(number))
if os.getpid() == parent:
    os.wait()
    print(number)
os._exit(0)
"""


@pytest.mark.parametrize("trial", range(8))
def test_a_fork_in_a_signal_handler_leaves_the_parents_journal_alone(
    tmp_path: Path, trial: int
) -> None:
    delay = 0.002 + trial * 3.7e-5
    done = subprocess.run(
        [sys.executable, "-c", FORKING, str(tmp_path), str(delay)],
        capture_output=True,
        text=True,
        check=True,
    )
    bodies = read_session(str(tmp_path), SESSION).bodies
    assert bodies == [numbered(number) for number in range(1, int(done.stdout) + 1)]


FORKING_AT_EACH_LINE = """
import ctypes, os, sys
from pathlib import Path
from tests.client.journals import numbered, open_journal

FORKABLE = ("appending.py", "journal.py", "mapping.py", "supply.py")
first = sys.argv[2] == "the child goes on first"
fork = os.fork if sys.argv[3] == "told" else ctypes.PyDLL(None).fork

def main(directory, at):
    '''Fork at line number ``at`` of the append that needs another segment.'''
    directory.mkdir()
    journal = open_journal(str(directory))
    parent = os.getpid()
    number = 0
    while len(journal._segments[0].frames) - journal._tail > 200:
        number += 1
        journal.append(numbered(number))
    lines = 0
    go, let_go = os.pipe()

    def trace(frame, event, argument):
        nonlocal lines
        if os.path.basename(frame.f_code.co_filename) not in FORKABLE:
            return None
        lines += 1
        if lines == at:
            child = fork()
            if child == 0:
                os.close(let_go)
                if not first:
                    os.read(go, 1)
            elif first:
                os.waitpid(child, 0)
        return trace

    sys.settrace(trace)
    for _ in range(6):
        number += 1
        journal.append(numbered(number))
    sys.settrace(None)
    if os.getpid() != parent:
        os._exit(0)
    assert len(journal._segments) == 2
    for _ in range(300):
        number += 1
        journal.append(numbered(number))
    os.close(let_go)
    if not first and lines >= at:
        os.wait()
    os.close(go)
    return number, lines >= at

at = 1
while True:
    number, forked = main(Path(sys.argv[1], str(at)), at)
    print(number)
    if not forked:
        break
    at += 1
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.parametrize("python", ["told", "not told"])
@pytest.mark.parametrize("order", ["the child goes on first", "the parent goes on first"])
def test_a_fork_at_any_line_leaves_the_parents_files_alone(
    tmp_path: Path, order: str, python: str
) -> None:
    """A child that goes on with an append makes, names, heads and deletes no file."""
    done = subprocess.run(
        [sys.executable, "-c", FORKING_AT_EACH_LINE, str(tmp_path), order, python],
        capture_output=True,
        text=True,
        check=True,
    )
    counts = [int(line) for line in done.stdout.split()]
    assert len(counts) > 50
    for at, count in enumerate(counts, 1):
        bodies = read_session(str(tmp_path / str(at)), SESSION).bodies
        assert bodies == [numbered(number) for number in range(1, count + 1)], at
        assert len(list((tmp_path / str(at)).iterdir())) == 2, at
