"""Frames: what was put in comes out, and nothing else ever does."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd_wire import frame
from tbxd_wire.errors import FrameError
from tbxd_wire.limits import FRAME_BODY_BYTES

BODIES = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


def ends_of(bodies: list[bytes]) -> list[int]:
    ends, end = [], 0
    for body in bodies:
        end += 8 + len(body)
        ends.append(end)
    return ends


def walked(buffer: bytes, start: int = 0) -> tuple[list[tuple[int, bytes]], FrameError | None]:
    """Walk as far as it goes; return what came and the error that ended it."""
    found: list[tuple[int, bytes]] = []
    try:
        for end, body in frame.walk(buffer, start):
            found.append((end, bytes(body)))
    except FrameError as error:
        return found, error
    return found, None


def test_encode_follows_the_format() -> None:
    assert frame.encode(b"abc") == struct.pack("<II", 3, zlib.crc32(b"abc")) + b"abc"


@given(BODIES)
def test_walk_yields_what_was_encoded(bodies: list[bytes]) -> None:
    buffer = b"".join(map(frame.encode, bodies))
    assert walked(buffer) == (list(zip(ends_of(bodies), bodies, strict=True)), None)
    assert frame.whole(buffer) == len(buffer)


@given(BODIES)
def test_every_prefix_gives_its_whole_frames_and_no_more(bodies: list[bytes]) -> None:
    buffer = b"".join(map(frame.encode, bodies))
    ends = ends_of(bodies)
    for size in range(len(buffer) + 1):
        found, error = walked(buffer[:size])
        whole = [end for end in ends if end <= size]
        assert [end for end, _ in found] == whole
        assert (error is None) == (size in (0, *ends))
        assert frame.whole(buffer[:size]) == (whole[-1] if whole else 0)


@given(BODIES.filter(bool), st.data())
def test_walk_may_begin_at_any_frame(bodies: list[bytes], data: st.DataObject) -> None:
    buffer = b"".join(map(frame.encode, bodies))
    number = data.draw(st.integers(0, len(bodies)))
    start = [0, *ends_of(bodies)][number]
    assert [body for _, body in walked(buffer, start)[0]] == bodies[number:]
    assert frame.whole(buffer, start) == len(buffer)


@given(BODIES.filter(bool), st.data())
def test_a_flipped_bit_is_found(bodies: list[bytes], data: st.DataObject) -> None:
    buffer = bytearray(b"".join(map(frame.encode, bodies)))
    bit = data.draw(st.integers(0, 8 * len(buffer) - 1))
    buffer[bit // 8] ^= 1 << bit % 8
    found, error = walked(bytes(buffer))
    ends = ends_of(bodies)
    # Everything before the damaged frame is as it was. The damaged frame itself never comes as if
    # it were good, and so neither does what lies behind it.
    good = sum(end <= bit // 8 for end in ends)
    assert found[:good] == list(zip(ends, bodies, strict=True))[:good]
    assert error is not None
    assert error.offset >= (ends[good - 1] if good else 0)
    assert all(body not in bodies[good : good + 1] for _, body in found[good:])


@pytest.mark.parametrize(
    "length", [0, FRAME_BODY_BYTES + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFF8]
)
def test_a_hostile_length_is_refused_before_anything_is_read(length: int) -> None:
    good = frame.encode(b"good")
    hostile = good + struct.pack("<II", length, zlib.crc32(b"")) + bytes(64)
    found, error = walked(hostile)
    assert [body for _, body in found] == [b"good"]
    assert error is not None
    assert error.offset == len(good)
    assert str(frame.body_length(length)) in error.reason
    assert frame.whole(hostile) == len(good)


def test_the_largest_body_is_allowed() -> None:
    buffer = struct.pack("<II", FRAME_BODY_BYTES, 0) + bytes(8)
    _, error = walked(buffer)
    assert error is not None
    assert "behind the buffer" in error.reason


@given(st.binary(max_size=200), st.integers(0, 8))
def test_arbitrary_bytes_raise_nothing_but_frame_errors(buffer: bytes, start: int) -> None:
    found, error = walked(buffer, start)
    end = found[-1][0] if found else start
    assert error is not None or end >= len(buffer)
    assert frame.whole(buffer, start) == end
    # Whatever was taken for a frame is one.
    assert b"".join(frame.encode(body) for _, body in found) == buffer[start:end]


def test_bodies_are_views_and_not_copies() -> None:
    buffer = bytearray(frame.encode(b"abc"))
    ((_, body),) = frame.walk(memoryview(buffer))
    buffer[8] = ord("x")
    assert bytes(body) == b"xbc"
