"""One target for each parser of the wire: only its documented error comes out."""

from __future__ import annotations

import contextlib
import math
from zlib import crc32

from tbxd.encode import UnknownKind, encode, is_slow, tags
from tbxd.proto.event_pb2 import Event
from tbxd_wire import frame, messages, records, segment
from tbxd_wire.errors import FrameError, MessageError, RecordError, SegmentError
from tbxd_wire.limits import POSITION_MAX, SEGMENT_HEAD_BYTES, STEP_MAX, STEP_MIN

from . import mend
from .cursor import Cursor

HEAD_BYTES = 256
"""So many bytes of an input are the beginning of a segment's head; what follows are its frames."""


def frames(data: bytes) -> None:
    """Walk frames, with their checksums as they are or made right."""
    start = 0
    if data and data[0] & 1:
        data = mend.frames(data[1:])
    else:
        start = min(1, len(data))
    good = frame.whole(data, start)
    assert start <= good <= len(data)
    reached = start
    bad = len(data)
    try:
        for end, body in frame.walk(data, start):
            assert end - reached == frame.HEADER_BYTES + len(body)
            reached = end
    except FrameError as error:
        bad = error.offset
    assert reached == good == bad


def message(data: bytes) -> None:
    """Decode a message; what is one can be encoded again, and says the same."""
    cursor = Cursor(data)
    parts = [cursor.some() for _ in range(1 + cursor.byte() % 3)]
    try:
        decoded = messages.decode(parts)
    except MessageError:
        return
    for name, value in decoded._asdict().items():
        assert type(value).__name__ in type(decoded).__annotations__[name].__forward_arg__
    again = messages.encode(decoded)
    # Compared as text: NaN is not equal to itself.
    assert repr(messages.decode(again)) == repr(decoded)


def record(data: bytes) -> None:
    """Decode a record."""
    try:
        decoded = records.decode(data)
    except RecordError:
        return
    kind, tag, step, wall_time, *_ = decoded
    assert type(kind) is int
    assert type(tag) is str
    assert step is None or STEP_MIN <= step <= STEP_MAX
    assert math.isfinite(wall_time)


def encoding(data: bytes) -> None:
    """Encode a record, whatever is in it: into events that can be read, or not at all."""
    try:
        decoded = records.decode(data)
        tuple(tags(decoded))
        is_slow(decoded, len(data))
        pairs = encode(decoded)
    except (RecordError, UnknownKind):
        return
    for _, event in pairs:
        assert math.isfinite(Event.FromString(event).wall_time)


def head(data: bytes) -> None:
    """Read a segment's head and the frames behind it."""
    buffer = bytearray(data[:HEAD_BYTES].ljust(SEGMENT_HEAD_BYTES, b"\0") + data[HEAD_BYTES:])
    if data and data[-1] & 1:
        # The magic, and the hello's checksum where its length allows one.
        buffer[: len(segment.MAGIC)] = segment.MAGIC
        length = int.from_bytes(buffer[72:76], "little")
        buffer[76:80] = crc32(buffer[80 : 80 + length]).to_bytes(4, "little")
        buffer[SEGMENT_HEAD_BYTES:] = mend.frames(bytes(buffer[SEGMENT_HEAD_BYTES:]))
    try:
        found = segment.read_head(bytes(buffer))
    except SegmentError:
        return
    assert found.base <= POSITION_MAX
    assert found.used <= POSITION_MAX
    whole, unreadable = segment.salvage(bytes(buffer), found)
    assert len(whole) + unreadable == found.used
    assert frame.whole(whole) == len(whole)
    with contextlib.suppress(MessageError):
        messages.decode([found.hello])
