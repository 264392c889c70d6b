"""Journals cut off at every byte, and with a flipped bit in every byte that means something.

Whatever is left is read without an error that the daemon does not expect, and each frame that comes
out is one that went in, in the order in which they went in.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tbxd.salvage import DeadJournal, OtherVersion, Unreadable
from tbxd_wire import frame, segment
from tbxd_wire.errors import FrameError
from tbxd_wire.limits import SEGMENT_HEAD_BYTES

from .hellos import hello_of, scalar_frame, scalar_frames
from .journals import write_segment

_FRAMES = 6
_HELLO = hello_of()


@pytest.fixture
def intact(tmp_path: Path) -> Path:
    """The only segment of a journal."""
    return write_segment(tmp_path, _HELLO, 0, 0, scalar_frames(0, _FRAMES))


def bodies_in(path: Path) -> list[bytes] | None:
    """Return what recovery reads from a journal's only segment; None if it takes none of it."""
    try:
        journal = DeadJournal(str(path.parent), _HELLO.session, [0])
    except (Unreadable, OtherVersion):
        return None
    found = []
    position = journal.released
    while (chunk := journal.chunk(position)) is not None:
        begin, frames = chunk
        at = 0
        try:
            while at < len(frames):
                at, body = frame.body_at(frames, at)
                found.append(bytes(body))
        except FrameError:
            # A position in the head that is not between two frames: as recovery does it.
            journal.rest(begin + at)
            break
        position = begin + len(frames)
    journal.finish()
    return found


def is_part(found: list[bytes]) -> bool:
    """Whether these are frames of the journal, in order, none of them twice."""
    rest = iter([bytes(frame.body_at(memoryview(each), 0)[1]) for each in _each_frame()])
    return all(any(body == other for other in rest) for body in found)


def _each_frame() -> list[bytes]:
    return [scalar_frame(step) for step in range(_FRAMES)]


def left_of(path: Path) -> list[str]:
    """Return the names of what lies there, and clear it away."""
    names = sorted(each.name for each in path.parent.iterdir())
    for name in names:
        (path.parent / name).unlink()
    return names


def test_cut_off_at_every_byte(intact: Path) -> None:
    content = intact.read_bytes()
    left_of(intact)
    ends = [SEGMENT_HEAD_BYTES]
    for each in _each_frame():
        ends.append(ends[-1] + len(each))
    for size in (*range(200), *range(SEGMENT_HEAD_BYTES - 1, len(content) + 1)):
        intact.write_bytes(content[:size])
        found = bodies_in(intact)
        whole = sum(end <= size for end in ends) - 1
        if size >= SEGMENT_HEAD_BYTES:
            assert found is not None
            assert len(found) == whole
            assert is_part(found)
        # What was not whole is kept for somebody to look at.
        complete = size == len(content)
        assert left_of(intact) == ([] if complete else [f"{intact.name}.damaged"]), size


def test_a_flipped_bit_in_every_byte(intact: Path) -> None:
    content = intact.read_bytes()
    left_of(intact)
    meaningful = (*range(segment.WORDS_END + 100), *range(SEGMENT_HEAD_BYTES, len(content)))
    for offset in meaningful:
        damaged = bytearray(content)
        damaged[offset] ^= 1 << offset % 8
        intact.write_bytes(damaged)
        found = bodies_in(intact)
        assert found is None or is_part(found)
        if found is not None and offset >= SEGMENT_HEAD_BYTES:
            assert len(found) < _FRAMES, "the checksum has not seen it"
        left_of(intact)
