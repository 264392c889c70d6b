"""The journal step by step: what is re-used, what is refused and counted, what is left behind."""

from __future__ import annotations

import fcntl
import gc
import itertools
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tbxd_client import appending, supply
from tbxd_client.journal import Journal
from tbxd_client.mapping import Allowance
from tbxd_wire import frame
from tbxd_wire.errors import SegmentError
from tbxd_wire.limits import (
    MIB,
    SEGMENT_BYTES,
    SEGMENT_HEAD_BYTES,
    SEGMENT_SMALL_BYTES,
)

from .journals import HELLO, SESSION, make_segments_small, numbered, open_journal
from .leftovers import read_session

RECORD = bytes(1000)


def test_a_new_journal_is_one_small_file(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path))
    (name,) = os.listdir(tmp_path)
    assert (tmp_path / name).stat().st_size == SEGMENT_SMALL_BYTES
    found = read_session(str(tmp_path), SESSION)
    assert found.hello == HELLO
    assert (found.released, found.tail, found.shed) == (0, 0, 0)
    assert not found.ended
    assert not found.known
    journal.leave()


def test_appended_is_in_the_file_at_once(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path))
    for number in range(3):
        assert journal.append(numbered(number))
        found = read_session(str(tmp_path), SESSION)
        assert found.bodies == [numbered(each) for each in range(number + 1)]
    journal.leave()


def test_words_of_the_session(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path))
    journal.append(RECORD)
    journal.mark_known()
    journal.end()
    journal.release(journal.tail)
    found = read_session(str(tmp_path), SESSION)
    assert found.known
    assert found.ended
    assert found.released == found.tail == len(frame.encode(RECORD))
    journal.leave()


def test_segments_are_used_again(tmp_path: Path) -> None:
    """A trainer whose records are acknowledged at once keeps writing into the same warm pages."""
    journal = open_journal(str(tmp_path))
    seen: set[tuple[str, int]] = set()
    for _ in range(10):
        for _ in range(SEGMENT_BYTES // len(RECORD)):
            assert journal.append(RECORD)
        journal.release(journal.tail)
        seen |= {(entry.name, entry.inode()) for entry in os.scandir(tmp_path)}
    assert len(seen) <= 4
    journal.leave()


def test_a_kill_at_a_change_of_segments_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the instants between, the files hold all frames that were there, and nothing old."""
    make_segments_small(monkeypatch)
    journal = open_journal(str(tmp_path))
    appended: list[bytes] = []
    used: list[str] = []

    def look(tail: int, size: int) -> None:
        assert read_session(str(tmp_path), SESSION).bodies == appended
        used.append(journal._current.path)
        next_stop(tail, size)

    next_stop = journal._next_stop
    monkeypatch.setattr(journal, "_next_stop", look)
    for number in range(600):
        assert journal.append(numbered(number, author=1_000_000))
        appended.append(numbered(number, author=1_000_000))
        if number % 100 == 99:
            journal.release(journal.tail)
            appended.clear()
    changes = sum(earlier != later for earlier, later in itertools.pairwise(used))
    assert changes > len(set(used)), "segments were used again"
    journal.leave()


def test_a_large_record_has_a_segment_of_its_own_size(tmp_path: Path) -> None:
    allowance = Allowance(256 * MIB)
    journal = open_journal(str(tmp_path), allowance=allowance)
    # Its segment ends with the page: no room for anything else.
    large = bytes(3 * SEGMENT_BYTES - frame.HEADER_BYTES)
    assert journal.append(RECORD)
    assert journal.append(large)
    assert journal.append(RECORD)
    sizes = sorted(entry.stat().st_size for entry in os.scandir(tmp_path))
    assert sizes[-1] - len(large) - SEGMENT_HEAD_BYTES <= len(large) // 8
    assert read_session(str(tmp_path), SESSION).bodies == [RECORD, large, RECORD]
    frames, end = journal.batch(len(frame.encode(RECORD)), 0)
    assert bytes(frames) == frame.encode(large)
    journal.release(end)
    # It is kept warm for the next one of its size, until the writer is idle.
    files: set[str] = set()
    for _ in range(4):
        journal.release(journal.tail)
        before, files = files, set(os.listdir(tmp_path))
        assert journal.append(large)
    assert files == before
    journal.release(journal.tail)
    journal.trim()
    assert len(os.listdir(tmp_path)) == 1
    assert journal.remove(journal.tail) is True
    assert allowance.used_bytes == 0


def test_trim_gives_back_all_but_the_first(tmp_path: Path) -> None:
    allowance = Allowance(256 * MIB)
    journal = open_journal(str(tmp_path), allowance=allowance)
    for _ in range(2 * SEGMENT_BYTES // len(RECORD)):
        journal.append(RECORD)
    journal.release(journal.tail - len(frame.encode(RECORD)))
    journal.trim()
    assert len(os.listdir(tmp_path)) > 1, "not everything was released"
    journal.release(journal.tail)
    tail = journal.tail
    journal.trim()
    assert os.listdir(tmp_path) == [f"{SESSION.hex()}.0.journal"]
    assert allowance.used_bytes == SEGMENT_SMALL_BYTES
    assert journal.tail == tail
    assert journal.append(b"goes on")
    frames, end = journal.batch(tail, tail + MIB)
    assert bytes(frames) == frame.encode(b"goes on")
    assert end == journal.tail
    journal.leave()


def test_the_first_append_after_parking_wakes_the_sender_once(tmp_path: Path) -> None:
    wakes: list[bool] = []

    def wake() -> None:
        other = threading.Thread(target=lambda: journal.tail)
        other.start()
        other.join(5)
        wakes.append(other.is_alive())

    journal = open_journal(str(tmp_path), wake=wake)
    for count in range(1, 4):
        journal.parked = True
        for _ in range(5):
            journal.append(RECORD)
        assert len(wakes) == count
    assert not any(wakes), "called with the lock held"
    journal.leave()


def test_a_left_journal_takes_nothing_more(tmp_path: Path) -> None:
    allowance = Allowance(256 * MIB)
    journal = open_journal(str(tmp_path), allowance=allowance)
    journal.append(b"before")
    journal.leave()
    assert not journal.append(b"after")
    assert journal.shed == 0, "it is not lost: the next session takes it"
    assert read_session(str(tmp_path), SESSION).bodies == [b"before"]
    assert allowance.used_bytes == 0
    assert not journal.remove(journal.tail)


def test_a_removed_journal_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_segments_small(monkeypatch)
    journal = open_journal(str(tmp_path))
    for number in range(300):
        journal.append(numbered(number))
    removed: list[str] = []
    unlink = os.unlink

    def record(path: str) -> None:
        removed.append(path)
        unlink(path)

    monkeypatch.setattr(os, "unlink", record)
    assert not journal.remove(0)
    assert removed == []
    assert journal.remove(journal.tail)
    assert os.listdir(tmp_path) == []
    assert removed[-1].endswith(".0.journal"), "recovery finds the others through slot 0"
    assert not journal.append(RECORD)


def test_files_that_somebody_has_cleaned_up_do_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_segments_small(monkeypatch)
    journal = open_journal(str(tmp_path))
    for number in range(300):
        journal.append(numbered(number))
    for name in os.listdir(tmp_path):
        os.unlink(tmp_path / name)
    journal.release(journal.tail)
    journal.trim()
    assert journal.append(RECORD)
    assert journal.remove(journal.tail)


def test_a_hello_that_does_not_fit_leaves_nothing(tmp_path: Path) -> None:
    allowance = Allowance(MIB)
    with pytest.raises(SegmentError):
        Journal(str(tmp_path), SESSION, bytes(SEGMENT_HEAD_BYTES), allowance, lambda: None)
    assert os.listdir(tmp_path) == []
    assert allowance.used_bytes == 0


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("step", ["lockf", "rename", "behind the rename"])
def test_a_beginning_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: type[BaseException]
) -> None:
    allowance = Allowance(MIB)
    # Not when other tests' journals happen to go.
    gc.collect()
    descriptors = len(os.listdir("/proc/self/fd"))
    rename = os.rename

    def fail(*arguments: Any) -> None:
        if step == "behind the rename":
            rename(*arguments)
        raise error("no locks available")

    monkeypatch.setattr(*((fcntl, "lockf") if step == "lockf" else (os, "rename")), fail)
    with pytest.raises(error, match="no locks"):
        open_journal(str(tmp_path), allowance=allowance)
    assert os.listdir(tmp_path) == []
    assert allowance.used_bytes == 0
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == descriptors


# -- no room


def test_no_room_for_the_first_segment(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no room for a journal"):
        open_journal(str(tmp_path), allowance=Allowance(SEGMENT_SMALL_BYTES - 1))
    assert os.listdir(tmp_path) == []


def test_a_full_journal_refuses_and_counts_and_goes_on(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path), allowance=Allowance(SEGMENT_SMALL_BYTES + SEGMENT_BYTES))
    taken = 0
    while journal.append(RECORD):
        taken += 1
    refused = 1 + sum(not journal.append(RECORD) for _ in range(500))
    assert refused == 501
    assert journal.shed == 0, "whoever gives a record up counts it"
    for _ in range(refused):
        journal.count_shed()
    assert journal.shed == refused
    found = read_session(str(tmp_path), SESSION)
    assert found.bodies == [RECORD] * taken
    assert found.shed == refused, "recovery counts it too"
    # What is released makes room, for the very next record.
    journal.release(journal.tail)
    assert journal.append(RECORD)
    assert journal.shed == refused
    journal.leave()


def test_what_is_released_is_asked_for_at_once(tmp_path: Path) -> None:
    """Not only at the next of the rare questions to a full file system."""
    allowance = Allowance(SEGMENT_SMALL_BYTES)
    journal = open_journal(str(tmp_path), allowance=allowance)
    while journal.append(RECORD):
        pass
    allowance.limit_bytes += SEGMENT_BYTES
    assert not journal.append(RECORD)
    journal.release(0)
    assert journal.append(RECORD)
    journal.leave()


def test_a_smaller_record_may_still_fit(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path), allowance=Allowance(SEGMENT_SMALL_BYTES))
    while journal.append(RECORD):
        pass
    assert journal.append(b"small")
    assert read_session(str(tmp_path), SESSION).bodies[-1] == b"small"
    journal.leave()


@pytest.fixture
def limit_bytes(monkeypatch: pytest.MonkeyPatch) -> int:
    """Have frames be no larger than this, which is rounded up for their segment."""
    limit = 5 * MIB
    for module in (appending, supply):
        monkeypatch.setattr(module, "FRAME_BYTES", limit)
    return limit


def test_a_record_above_the_limit_is_refused_here(tmp_path: Path, limit_bytes: int) -> None:
    """A daemon would end the session over it, and with it all that comes behind."""
    journal = open_journal(str(tmp_path))
    assert not journal.append(bytes(limit_bytes))
    assert "is larger than any may be" in journal.obstacle(bytes(limit_bytes))
    assert journal.obstacle(RECORD) == ""
    assert journal.append(bytes(limit_bytes - frame.HEADER_BYTES))
    assert journal.append(RECORD)
    journal.leave()


def test_no_more_is_taken_where_there_is_room(tmp_path: Path, limit_bytes: int) -> None:
    """The segment of a large record has more than that takes, and is used again."""
    journal = open_journal(str(tmp_path))
    assert journal.append(bytes(limit_bytes - frame.HEADER_BYTES))
    journal.release(journal.tail)
    assert journal._current.capacity > limit_bytes
    assert not journal.append(bytes(limit_bytes))
    assert journal.append(bytes(limit_bytes - frame.HEADER_BYTES))
    journal.leave()


def test_a_full_file_system_is_asked_only_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    def refuse(*arguments: object) -> None:
        nonlocal asked
        asked += 1
        raise OSError(28, "No space left on device")

    allowance = Allowance(256 * MIB)
    journal = open_journal(str(tmp_path), allowance=allowance)
    with monkeypatch.context() as patching:
        patching.setattr(os, "posix_fallocate", refuse)
        while journal.append(RECORD):
            pass
        assert all(not journal.append(RECORD) for _ in range(640))
        # For an ordinary segment and for a smaller one, each time.
        assert 2 <= asked <= 2 * (640 // 64 + 1)
        assert os.listdir(tmp_path) == [f"{SESSION.hex()}.0.journal"]
        assert allowance.used_bytes == SEGMENT_SMALL_BYTES
    assert any(journal.append(RECORD) for _ in range(65)), "it looks again"
    journal.leave()


FILLING = """
import os, subprocess, sys
from tbxd_client import mapping
from tests.client.journals import SESSION, open_journal
from tests.client.leftovers import read_session

directory, lie = sys.argv[1], sys.argv[2] == "lie"
if lie:
    # As if others took the space between the question and the reservation.
    class Plenty:
        f_bavail = f_frsize = 1 << 20
    mapping.os.statvfs = lambda path: Plenty
journal = open_journal(directory)
taken = 0
while journal.append(bytes(1000)):
    taken += 1
refused = sum(not journal.append(bytes(1000)) for _ in range(1000))
while journal.append(b"x"):
    taken += 1
assert refused == 1000, refused
found = read_session(directory, SESSION)
assert len(found.bodies) == taken > 50
subprocess.run(["mount", "-o", "remount,size=64m", directory], check=True)
tries = 0
while not journal.append(bytes(1000)):
    tries += 1
    assert tries < 100
assert len(read_session(directory, SESSION).bodies) == taken + 1
journal.leave()
print("survived")
"""


@pytest.fixture
def small_file_system(tmp_path: Path) -> Iterator[str]:
    """Mount a tmpfs with room for less than two segments."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    directory = tmp_path / "small"
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(directory)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"this root may not mount: {mounted.stderr.strip()}")
    yield str(directory)
    subprocess.run(["umount", str(directory)], check=True)


@pytest.mark.parametrize("how", ["ask", "lie"])
def test_a_full_tmpfs_kills_nobody(small_file_system: str, how: str) -> None:
    """In a process of its own, for what it must not end with is a SIGBUS."""
    command = [sys.executable, "-c", textwrap.dedent(FILLING), small_file_system, how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "survived\n", "")


def test_few_segments_are_kept_warm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the backlog was: the first one, the current one and three more."""
    make_segments_small(monkeypatch)
    journal = open_journal(str(tmp_path))
    for number in range(3000):
        assert journal.append(numbered(number))
    assert len(os.listdir(tmp_path)) > 6
    journal.release(journal.tail)
    assert len(os.listdir(tmp_path)) <= 5
    journal.leave()
