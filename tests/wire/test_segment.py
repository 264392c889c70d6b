"""Segments: the head's every word, and salvage of whatever is left of a file."""

from __future__ import annotations

import contextlib
import struct
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd_wire import frame, segment
from tbxd_wire.errors import SegmentError
from tbxd_wire.limits import POSITION_MAX, SEGMENT_HEAD_BYTES

SESSION = bytes(range(16))
HELLO = b"hello, as messages encode it"
BODIES = st.lists(st.binary(min_size=1, max_size=60), max_size=6)
WORDS = st.integers(0, (1 << 64) - 1)
POSITIONS = st.integers(0, POSITION_MAX)


def headed(base: int = 7, hello: bytes = HELLO, frames: bytes = b"") -> bytearray:
    """Return a segment's bytes as its writer leaves them."""
    buffer = bytearray(SEGMENT_HEAD_BYTES) + frames
    view = memoryview(buffer)
    segment.write_head(view, SESSION, base, hello)
    segment.words(view)[segment.USED] = len(frames)
    return buffer


def test_a_new_head() -> None:
    head = segment.read_head(bytes(headed()))
    assert head == segment.Head(SESSION, 7, 0, 0, 0, False, False, False, HELLO)


def test_a_new_head_says_nothing_of_what_was_there_before() -> None:
    buffer = bytearray(b"\xff" * SEGMENT_HEAD_BYTES)
    segment.write_head(memoryview(buffer), SESSION, 7, HELLO)
    assert segment.read_head(bytes(buffer)) == segment.Head(
        SESSION, 7, 0, 0, 0, False, False, False, HELLO
    )


def test_the_offsets_are_those_of_the_format() -> None:
    buffer = headed()
    words = segment.words(memoryview(buffer))
    for index in range(6):
        words[index] = 0x0102030405060708 + index
    assert buffer[:8] == b"TBXDSEG\x01"
    assert buffer[8:24] == SESSION
    assert struct.unpack_from("=6Q", buffer, 24) == tuple(
        0x0102030405060708 + index for index in range(6)
    )
    assert struct.unpack_from("<II", buffer, 72) == (len(HELLO), crc32(HELLO))
    assert buffer[80 : 80 + len(HELLO)] == HELLO


@given(POSITIONS, POSITIONS, WORDS, WORDS, st.integers(0, 2), st.booleans())
def test_every_word(
    base: int, used: int, released: int, shed: int, ended: int, known: bool
) -> None:
    buffer = headed()
    words = segment.words(memoryview(buffer))
    words[segment.BASE] = base
    words[segment.USED] = used
    words[segment.RELEASED] = released
    words[segment.SHED] = shed
    words[segment.ENDED] = ended
    words[segment.KNOWN] = known
    head = segment.read_head(bytes(buffer))
    assert head == segment.Head(
        SESSION,
        base,
        used,
        released,
        # What it claims beyond any count could not be reported.
        min(shed, POSITION_MAX),
        ended > 0,
        ended == 2,
        known,
        HELLO,
    )


def test_a_hello_may_fill_the_head_and_no_more() -> None:
    room = SEGMENT_HEAD_BYTES - 80
    assert segment.read_head(bytes(headed(hello=b"x" * room))).hello == b"x" * room
    with pytest.raises(SegmentError, match=f"room for {room}"):
        headed(hello=b"x" * (room + 1))


def test_a_head_that_does_not_fit_leaves_no_magic() -> None:
    buffer = bytearray(SEGMENT_HEAD_BYTES)
    with pytest.raises(SegmentError):
        segment.write_head(memoryview(buffer), SESSION, 0, bytes(SEGMENT_HEAD_BYTES))
    assert not any(buffer)


@pytest.mark.parametrize(
    ("offset", "data", "says"),
    [
        (0, bytes(8), "does not begin as"),
        (0, b"TBXDSEX\x01", "does not begin as"),
        (7, b"\x02", "version 2"),
        (7, b"\x00", "version 0"),
        (72, struct.pack("<I", SEGMENT_HEAD_BYTES), "longer than the head"),
        (72, b"\xff\xff\xff\xff", "longer than the head"),
        (72, struct.pack("<I", len(HELLO) - 1), "damaged"),
        (72, bytes(8), "missing"),
        (76, b"\0\0\0\0", "damaged"),
        (80, b"J", "damaged"),
    ],
)
def test_a_damaged_head_is_refused(offset: int, data: bytes, says: str) -> None:
    buffer = headed()
    buffer[offset : offset + len(data)] = data
    with pytest.raises(SegmentError, match=says):
        segment.read_head(bytes(buffer))


@pytest.mark.parametrize("size", [0, 8, 24, 80, SEGMENT_HEAD_BYTES - 1])
def test_a_truncated_head_is_refused(size: int) -> None:
    with pytest.raises(SegmentError, match="too few"):
        segment.read_head(bytes(headed()[:size]))


@given(st.binary(max_size=100), st.integers(0, 100))
def test_arbitrary_heads_raise_nothing_but_segment_errors(data: bytes, offset: int) -> None:
    buffer = headed()
    buffer[offset : offset + len(data)] = data
    with contextlib.suppress(SegmentError):
        segment.read_head(bytes(buffer[:SEGMENT_HEAD_BYTES]))


# -- salvage


@given(BODIES)
def test_salvage_of_a_sound_segment(bodies: list[bytes]) -> None:
    frames = b"".join(map(frame.encode, bodies))
    buffer = headed(frames=frames) + bytes(100)
    found, unreadable = segment.salvage(bytes(buffer), segment.read_head(bytes(buffer)))
    assert bytes(found) == frames
    assert unreadable == 0


@given(BODIES, st.data())
def test_salvage_reads_no_further_than_used(bodies: list[bytes], data: st.DataObject) -> None:
    """What a killed writer had copied, but not committed, is not there."""
    encoded = [frame.encode(body) for body in bodies]
    committed = data.draw(st.integers(0, len(encoded)))
    buffer = headed(frames=b"".join(encoded))
    used = sum(map(len, encoded[:committed]))
    segment.words(memoryview(buffer))[segment.USED] = used
    found, unreadable = segment.salvage(bytes(buffer), segment.read_head(bytes(buffer)))
    assert bytes(found) == b"".join(encoded[:committed])
    assert unreadable == 0


@given(BODIES, st.data())
def test_salvage_of_a_truncated_file(bodies: list[bytes], data: st.DataObject) -> None:
    encoded = [frame.encode(body) for body in bodies]
    buffer = bytes(headed(frames=b"".join(encoded)))
    size = data.draw(st.integers(SEGMENT_HEAD_BYTES, len(buffer)))
    found, unreadable = segment.salvage(buffer[:size], segment.read_head(bytes(buffer)))
    assert frame.whole(found) == len(found)
    whole = 0
    for each in encoded:
        if SEGMENT_HEAD_BYTES + whole + len(each) > size:
            break
        whole += len(each)
    assert len(found) == whole
    assert unreadable == len(buffer) - SEGMENT_HEAD_BYTES - whole


@given(BODIES.filter(bool), st.data())
def test_salvage_of_flipped_bits(bodies: list[bytes], data: st.DataObject) -> None:
    encoded = [frame.encode(body) for body in bodies]
    frames = bytearray(b"".join(encoded))
    bit = data.draw(st.integers(0, 8 * len(frames) - 1))
    frames[bit // 8] ^= 1 << bit % 8
    buffer = headed(frames=bytes(frames))
    found, unreadable = segment.salvage(bytes(buffer), segment.read_head(bytes(buffer)))
    whole = 0
    for each in encoded:
        if whole + len(each) > bit // 8:
            break
        whole += len(each)
    assert bytes(found) == b"".join(encoded)[:whole]
    assert unreadable == len(frames) - whole


@given(WORDS)
def test_salvage_believes_no_claim(used: int) -> None:
    frames = frame.encode(b"one")
    buffer = headed(frames=frames)
    segment.words(memoryview(buffer))[segment.USED] = used
    found, unreadable = segment.salvage(bytes(buffer), segment.read_head(bytes(buffer)))
    assert bytes(found) == (frames if used >= len(frames) else b"")
    assert unreadable == min(used, POSITION_MAX) - len(found)


@given(st.integers(POSITION_MAX + 1, (1 << 64) - 1))
def test_a_base_that_no_stream_reaches(base: int) -> None:
    buffer = headed()
    segment.words(memoryview(buffer))[segment.BASE] = base
    with pytest.raises(SegmentError, match="no stream reaches"):
        segment.read_head(bytes(buffer))
