"""The frames of a dead session in order, and what becomes of its files."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from tbxd.salvage import CHUNK_BYTES, Busy, DeadJournal, OtherVersion, Unreadable
from tbxd_wire import frame, places
from tbxd_wire.limits import BATCH_BYTES, SEGMENT_HEAD_BYTES
from tbxd_wire.messages import Hello

from .hellos import hello_of, scalar_frames
from .journals import spoil, write_segment


def read_all(journal: DeadJournal, position: int = 0) -> list[tuple[int, bytes]]:
    chunks = []
    while (chunk := journal.chunk(position)) is not None:
        begin, frames = chunk
        chunks.append((begin, bytes(frames)))
        position = begin + len(frames)
    return chunks


@pytest.fixture
def hello() -> Hello:
    return hello_of()


def test_segments_are_read_in_the_order_of_their_bases(tmp_path: Path, hello: Hello) -> None:
    first, second, third = (scalar_frames(10 * n, 10 * n + 10) for n in range(3))
    write_segment(tmp_path, hello, 0, len(first), second)
    write_segment(tmp_path, hello, 1, len(first) + len(second), third)
    write_segment(tmp_path, hello, 2, 0, first)
    journal = DeadJournal(str(tmp_path), hello.session, [0, 1, 2])
    assert b"".join(frames for _, frames in read_all(journal)) == first + second + third
    assert journal.end == len(first + second + third)
    assert not journal.damaged
    journal.finish()
    assert os.listdir(tmp_path) == []


def test_reading_begins_in_the_middle_of_a_segment(tmp_path: Path, hello: Hello) -> None:
    frames = scalar_frames(0, 10)
    middle = len(scalar_frames(0, 4))
    write_segment(tmp_path, hello, 0, 0, frames, released=middle)
    journal = DeadJournal(str(tmp_path), hello.session, [0])
    assert journal.released == middle
    assert read_all(journal, middle) == [(middle, frames[middle:])]
    journal.close()


def test_stale_segments_of_the_pool_are_passed_over(tmp_path: Path, hello: Hello) -> None:
    frames = scalar_frames(0, 10)
    write_segment(tmp_path, hello, 0, len(frames), b"", released=len(frames))
    write_segment(tmp_path, hello, 1, 0, frames)
    journal = DeadJournal(str(tmp_path), hello.session, [0, 1])
    assert read_all(journal, journal.released) == []
    assert journal.end == len(frames)
    journal.close()


def test_chunks_end_with_whole_frames(tmp_path: Path, hello: Hello) -> None:
    frames = scalar_frames(0, 60_000)
    write_segment(tmp_path, hello, 0, 0, frames)
    journal = DeadJournal(str(tmp_path), hello.session, [0])
    chunks = read_all(journal)
    assert len(chunks) > 1
    assert b"".join(chunk for _, chunk in chunks) == frames
    for _, chunk in chunks:
        assert len(chunk) <= CHUNK_BYTES
        assert frame.whole(chunk) == len(chunk)
    journal.close()


def test_a_journal_that_waits_keeps_nothing_in_memory(tmp_path: Path, hello: Hello) -> None:
    """Hundreds of them may wait for a disk that is full."""
    write_segment(tmp_path, hello, 0, 0, scalar_frames(0, 60_000))
    journal = DeadJournal(str(tmp_path), hello.session, [0])
    tracemalloc.start()
    try:
        chunk = journal.chunk(0)
        assert chunk is not None
        assert tracemalloc.get_traced_memory()[1] < 2 * CHUNK_BYTES
        del chunk
        assert tracemalloc.get_traced_memory()[0] < CHUNK_BYTES // 4
    finally:
        tracemalloc.stop()
    journal.close()


def test_a_large_record_is_a_chunk_of_its_own(tmp_path: Path, hello: Hello) -> None:
    large = frame.encode(b"x" * (2 * BATCH_BYTES))
    small = frame.encode(b"y")
    write_segment(tmp_path, hello, 0, 0, small + large + small)
    journal = DeadJournal(str(tmp_path), hello.session, [0])
    assert [chunk for _, chunk in read_all(journal)] == [small, large, small]
    journal.close()


def test_a_missing_segment_is_a_gap(tmp_path: Path, hello: Hello) -> None:
    write_segment(tmp_path, hello, 0, 0, scalar_frames(0, 1))
    far = write_segment(tmp_path, hello, 5, 9000, scalar_frames(1, 2))
    journal = DeadJournal(str(tmp_path), hello.session, [0, 5])
    assert [begin for begin, _ in read_all(journal)] == [0, 9000]
    assert not journal.damaged
    journal.finish()
    assert not far.exists()


def test_a_damaged_segment_is_set_aside_and_the_next_is_read(tmp_path: Path, hello: Hello) -> None:
    frames = scalar_frames(0, 10)
    good = len(scalar_frames(0, 6))
    bad = write_segment(tmp_path, hello, 0, 0, frames)
    spoil(bad, good + frame.HEADER_BYTES)
    write_segment(tmp_path, hello, 1, len(frames), frames)
    journal = DeadJournal(str(tmp_path), hello.session, [0, 1])
    assert read_all(journal) == [(0, frames[:good]), (len(frames), frames)]
    assert journal.damaged
    journal.finish()
    assert os.listdir(tmp_path) == [f"{bad.name}.damaged"]


def test_a_head_that_claims_too_much(tmp_path: Path, hello: Hello) -> None:
    frames = scalar_frames(0, 3)
    write_segment(tmp_path, hello, 0, 0, frames, used=(1 << 64) - 1)
    journal = DeadJournal(str(tmp_path), hello.session, [0])
    assert read_all(journal) == [(0, frames)]
    assert journal.damaged
    journal.close()


def test_a_segment_that_was_cut_short(tmp_path: Path, hello: Hello) -> None:
    frames = scalar_frames(0, 3)
    path = write_segment(tmp_path, hello, 0, 0, frames)
    os.truncate(path, SEGMENT_HEAD_BYTES + len(frames) - 1)
    journal = DeadJournal(str(tmp_path), hello.session, [0])
    assert read_all(journal) == [(0, scalar_frames(0, 2))]
    assert journal.damaged
    journal.close()


def test_the_head_of_slot_0_is_damaged_and_another_one_tells(tmp_path: Path, hello: Hello) -> None:
    first, second = scalar_frames(0, 5), scalar_frames(5, 9)
    bad = write_segment(tmp_path, hello, 0, 0, first, released=7, ended=True)
    bad.write_bytes(b"\xff" * 100)
    write_segment(tmp_path, hello, 1, len(first), second)
    journal = DeadJournal(str(tmp_path), hello.session, [0, 1])
    assert journal.released == len(first)
    assert not journal.ended
    assert read_all(journal) == [(len(first), second)]
    assert journal.damaged
    journal.finish()
    assert os.listdir(tmp_path) == [f"{bad.name}.damaged"]


def test_no_head_can_be_read(tmp_path: Path, hello: Hello) -> None:
    path = write_segment(tmp_path, hello, 0, 0, b"")
    path.write_bytes(b"rubbish")
    with pytest.raises(Unreadable):
        DeadJournal(str(tmp_path), hello.session, [0])
    assert os.listdir(tmp_path) == [f"{path.name}.damaged"]


def test_a_segment_under_another_sessions_name(tmp_path: Path, hello: Hello) -> None:
    path = write_segment(tmp_path, hello, 0, 0, scalar_frames(0, 1))
    other = hello_of()
    path.rename(tmp_path / places.journal_name(other.session, 0))
    with pytest.raises(Unreadable):
        DeadJournal(str(tmp_path), other.session, [0])


def test_another_major_version_is_left_alone(tmp_path: Path, hello: Hello) -> None:
    path = write_segment(tmp_path, hello, 0, 0, scalar_frames(0, 1))
    data = bytearray(path.read_bytes())
    data[7] = 2
    path.write_bytes(data)
    with pytest.raises(OtherVersion, match="version 2"):
        DeadJournal(str(tmp_path), hello.session, [0])
    assert path.read_bytes() == data


def test_another_version_beside_ours_is_damage(tmp_path: Path, hello: Hello) -> None:
    first, second = scalar_frames(0, 5), scalar_frames(5, 9)
    bad = write_segment(tmp_path, hello, 0, 0, first)
    with bad.open("r+b") as file:
        file.seek(7)
        file.write(b"\2")
    write_segment(tmp_path, hello, 1, len(first), second)
    journal = DeadJournal(str(tmp_path), hello.session, [0, 1])
    assert read_all(journal) == [(len(first), second)]
    journal.finish()
    assert os.listdir(tmp_path) == [f"{bad.name}.damaged"]


def test_there_is_no_version_0(tmp_path: Path, hello: Hello) -> None:
    path = write_segment(tmp_path, hello, 0, 0, b"")
    path.write_bytes(b"TBXDSEG".ljust(path.stat().st_size, b"\0"))
    with pytest.raises(Unreadable):
        DeadJournal(str(tmp_path), hello.session, [0])
    assert os.listdir(tmp_path) == [f"{path.name}.damaged"]


def test_the_words_of_slot_0_speak_for_the_session(tmp_path: Path, hello: Hello) -> None:
    write_segment(tmp_path, hello, 0, 5000, b"", released=5000, shed=12, ended=True)
    write_segment(tmp_path, hello, 1, 0, b"", shed=99)
    journal = DeadJournal(str(tmp_path), hello.session, [1, 0])
    assert (journal.released, journal.shed, journal.ended) == (5000, 12, True)
    journal.close()


HOLDER = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR)
fcntl.lockf(descriptor, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_the_journal_of_the_living_is_not_to_be_had(tmp_path: Path, hello: Hello) -> None:
    path = write_segment(tmp_path, hello, 0, 0, scalar_frames(0, 1))
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(Busy):
            DeadJournal(str(tmp_path), hello.session, [0])
        process.kill()
    DeadJournal(str(tmp_path), hello.session, [0]).close()


TRY_LOCK = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR)
try:
    fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    sys.exit(7)
"""


def test_the_lock_is_held_while_it_is_read(tmp_path: Path, hello: Hello) -> None:
    frames = scalar_frames(0, 5)
    path = write_segment(tmp_path, hello, 0, 0, frames)
    write_segment(tmp_path, hello, 1, len(frames), frames)

    def locked() -> bool:
        return subprocess.run([sys.executable, "-c", TRY_LOCK, str(path)]).returncode == 7

    journal = DeadJournal(str(tmp_path), hello.session, [0, 1])
    read_all(journal)
    assert locked()
    journal.close()
    assert not locked()


def test_one_that_is_gone(tmp_path: Path, hello: Hello) -> None:
    with pytest.raises(Busy):
        DeadJournal(str(tmp_path), hello.session, [0])


@pytest.mark.parametrize("slots", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
@pytest.mark.parametrize("removals", range(3))
def test_killed_while_it_deletes(
    tmp_path: Path,
    hello: Hello,
    monkeypatch: pytest.MonkeyPatch,
    slots: tuple[int, ...],
    removals: int,
) -> None:
    """What is left is the end of the stream, or nothing of it; there is no gap."""
    position = 0
    for number, slot in enumerate(slots):
        frames = scalar_frames(10 * number, 10 * number + 10)
        write_segment(tmp_path, hello, slot, position, frames)
        position += len(frames)
    journal = DeadJournal(str(tmp_path), hello.session, [0, 1, 2])
    assert len(read_all(journal)) == 3
    unlink, left = os.unlink, iter(range(removals))

    def killed(path: str) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        unlink(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            journal.finish()
    journal.close()
    names = [places.journal_name(hello.session, slot) for slot in range(3)]
    again = DeadJournal(
        str(tmp_path),
        hello.session,
        [slot for slot in range(3) if (tmp_path / names[slot]).exists()],
    )
    at = again.released
    for begin, frames in read_all(again, at):
        assert begin == at
        at += len(frames)
    assert at == again.end
    again.finish()
    assert not list(tmp_path.iterdir())


def test_what_could_not_be_taken_is_kept(tmp_path: Path, hello: Hello) -> None:
    first, second = scalar_frames(0, 5), scalar_frames(5, 9)
    write_segment(tmp_path, hello, 0, 0, first)
    kept = write_segment(tmp_path, hello, 1, len(first), second)
    journal = DeadJournal(str(tmp_path), hello.session, [0, 1])
    journal.rest(len(first) + 3)
    journal.finish()
    assert os.listdir(tmp_path) == [f"{kept.name}.damaged"]
