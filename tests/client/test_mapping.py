"""One mapped file: born whole, re-used without a wrong instant; and what all of them may take."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from tbxd_client import fork
from tbxd_client.mapping import FRESH_SUFFIX, Allowance, MappedSegment
from tbxd_wire import frame, locks, segment
from tbxd_wire.limits import KIB, MIB, SEGMENT_HEAD_BYTES

SESSION = bytes(range(16))
SIZE = SEGMENT_HEAD_BYTES + 4 * KIB


def make(path: Path, base: int = 0) -> MappedSegment:
    return MappedSegment(str(path), 0, SIZE, SESSION, base, b"hello", fork.look())


def test_a_new_segment_has_its_name_only_when_it_is_published(tmp_path: Path) -> None:
    made = make(tmp_path / "a", base=7)
    assert os.listdir(tmp_path) == [f"a{FRESH_SUFFIX}"]
    made.publish()
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    head = segment.read_head((tmp_path / "a").read_bytes())
    assert head == segment.Head(SESSION, 7, 0, 0, 0, False, False, False, b"hello")


def test_its_space_is_reserved(tmp_path: Path) -> None:
    make(tmp_path / "a").publish()
    found = (tmp_path / "a").stat()
    assert found.st_size == SIZE
    assert found.st_blocks * 512 >= SIZE


@pytest.mark.parametrize("failing", ["posix_fallocate", "pwrite", "mmap"])
def test_nothing_is_left_of_one_that_could_not_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    where = sys.modules["mmap"] if failing == "mmap" else os
    descriptors = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patching:
        patching.setattr(where, failing, fail)
        with pytest.raises(OSError, match="No space"):
            make(tmp_path / "a")
    assert os.listdir(tmp_path) == []
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    make(tmp_path / "a")
    with pytest.raises(FileExistsError):
        make(tmp_path / "a")


def test_the_lock_is_there_before_the_name_and_goes_with_its_descriptor(tmp_path: Path) -> None:
    """Asked from another process: recovery takes an unlocked journal for a dead one."""
    asking = (
        "import os, sys; from tbxd_wire import locks;"
        "print(locks.is_held(os.open(sys.argv[1], os.O_RDWR)))"
    )

    def is_held() -> str:
        command = [sys.executable, "-c", asking, str(tmp_path / "a")]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    made = make(tmp_path / "a")
    held = made.hold()
    made.publish()
    assert is_held() == "True"
    # Not inherited, so a child that lives on keeps nobody's journal.
    assert not locks.is_held(held)
    os.close(held)
    assert is_held() == "False"


def test_a_held_file_is_refused(tmp_path: Path) -> None:
    made = make(tmp_path / "a")
    locking = (
        "import fcntl, os, sys; descriptor = os.open(sys.argv[1], os.O_RDWR);"
        "fcntl.lockf(descriptor, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", locking, f"{tmp_path / 'a'}{FRESH_SUFFIX}"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError):
            made.hold()
        other.kill()
    os.close(made.hold())


class Recorded:
    """A segment's words that remember how the buffer looked after each store."""

    def __init__(self, buffer: bytearray) -> None:
        self.buffer = buffer
        self.words = segment.words(memoryview(buffer))
        self.instants: list[bytes] = []

    def __setitem__(self, index: int, value: int) -> None:
        self.words[index] = value
        self.instants.append(bytes(self.buffer))


def test_re_use_never_shows_old_frames_under_a_new_position() -> None:
    buffer = bytearray(SEGMENT_HEAD_BYTES) + frame.encode(b"old")
    segment.write_head(memoryview(buffer), SESSION, 100, b"hello")
    segment.words(memoryview(buffer))[segment.USED] = 11
    recorded = Recorded(buffer)
    used = MappedSegment.__new__(MappedSegment)
    used.words = recorded  # type: ignore[assignment]
    used.cuts = [100]
    used.rebase(500)
    assert len(recorded.instants) == 2
    for instant in recorded.instants:
        head = segment.read_head(instant)
        found, unreadable = segment.salvage(instant, head)
        assert unreadable == 0
        assert not len(found) or head.base == 100
    assert segment.read_head(recorded.instants[-1]).base == 500
    assert (used.base, used.used, used.cuts) == (500, 0, [])


# -- the allowance


def test_allowance_counts(tmp_path: Path) -> None:
    allowance = Allowance(100)
    assert allowance.take(60, str(tmp_path), bulky=False)
    assert not allowance.take(41, str(tmp_path), bulky=False)
    assert allowance.take(40, str(tmp_path), bulky=False)
    assert not allowance.take(1, str(tmp_path), bulky=False)
    allowance.give(60)
    assert allowance.used_bytes == 40


def test_bulky_records_leave_room_for_scalars(tmp_path: Path) -> None:
    allowance = Allowance(100)
    assert not allowance.take(76, str(tmp_path), bulky=True)
    assert allowance.take(75, str(tmp_path), bulky=True)
    assert not allowance.take(1, str(tmp_path), bulky=True)
    assert allowance.take(25, str(tmp_path), bulky=False)


def test_no_segment_takes_more_than_half_of_what_is_free(tmp_path: Path) -> None:
    found = os.statvfs(tmp_path)
    free = found.f_bavail * found.f_frsize
    allowance = Allowance(10 * free)
    assert not allowance.take(free // 2 + 64 * MIB, str(tmp_path), bulky=False)
    assert allowance.used_bytes == 0


def test_all_of_them_take_no_more_than_half_of_what_was_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowance = Allowance(10 * MIB)

    def statvfs(_: str) -> SimpleNamespace:
        return SimpleNamespace(f_bavail=100 - allowance.used_bytes, f_frsize=1)

    monkeypatch.setattr(os, "statvfs", statvfs)
    while allowance.take(10, str(tmp_path), bulky=False):
        pass
    assert allowance.used_bytes == 50


def test_threads_take_no_more_than_there_is(tmp_path: Path) -> None:
    allowance = Allowance(1000)
    taken: list[bool] = []

    def take() -> None:
        taken.extend(allowance.take(1, str(tmp_path), bulky=False) for _ in range(400))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert taken.count(True) == 1000 == allowance.used_bytes


def test_the_lock_is_a_record_lock(tmp_path: Path) -> None:
    """A flock would be inherited by a fork, and a child would keep a dead trainer's journal."""
    made = make(tmp_path / "a")
    held = made.hold()
    with open(f"{tmp_path / 'a'}{FRESH_SUFFIX}", "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(held)
