"""The bytes of one frame: in the journal, on the socket and in recovery they are the same.

::

    u32  length of the body, little endian; its highest bit is set if the record has arrays
    u32  CRC-32 (zlib's polynomial), little endian
    body one record, see tbxd_wire.records

The body of a record without arrays is the record, and the checksum is that of the body. The body
of a record with arrays (tbxd_wire.arrays) says so itself::

    u8   0xC1, which begins no msgpack
    u32  length of the record, little endian
         the record
         the elements of its arrays, back to back

and the checksum covers what lies before the elements: a checksum of a large array costs the caller
as much as copying it. A process that is killed leaves whole frames all the same, as a journal is
committed by its length; what is not found out is a bit that flips in an array's elements, or a
page of them that a power cut took. It would be seen in one picture, and harms nothing else.

Frames lie back to back, without padding. A position is a byte offset into this stream; batches and
acks always name a position between two frames.

CRC-32 is zlib's because it is in the standard library and takes 0.1 us for a scalar's 40 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from zlib import crc32

from .errors import FrameError
from .limits import FRAME_BODY_BYTES

HEADER = struct.Struct("<II")
HEADER_BYTES = 8
assert HEADER.size == HEADER_BYTES

ARRAYS = 1 << 31
"""Bit of the length's word that says that the record has arrays."""
assert FRAME_BODY_BYTES < ARRAYS

LEAD = struct.Struct("<BI")
LEAD_BYTES = 5
LEAD_MARK = 0xC1
"""First byte of the body of a record with arrays."""
assert LEAD.size == LEAD_BYTES

_pack_header = HEADER.pack
_unpack_header = HEADER.unpack_from


def encode(body: bytes) -> bytes:
    """Return the frame of a record without arrays: its header and itself."""
    return _pack_header(len(body), crc32(body)) + body


def encode_before(record: bytes, elements_bytes: int) -> bytes:
    """Return the frame of a record with arrays, as far as their elements, which must follow."""
    lead = LEAD.pack(LEAD_MARK, len(record)) + record
    return _pack_header(ARRAYS | len(lead) + elements_bytes, crc32(lead)) + lead


def body_length(word: int) -> int:
    """Return the length of the body from the word that begins a frame."""
    return word & ~ARRAYS


def body_at(view: memoryview, start: int) -> tuple[int, memoryview]:
    """Return the end and the body of the frame at byte ``start``, which is not the view's end.

    Raises:
        FrameError: there is no whole, valid frame.
    """
    size = len(view)
    body = start + HEADER_BYTES
    if body > size:
        raise FrameError(start, f"{size - start} bytes are too few for a header")
    word, checksum = _unpack_header(view, start)
    length = body_length(word)
    end = body + length
    if length == 0 or length > FRAME_BODY_BYTES:
        raise FrameError(start, f"a body of {length} bytes is outside 1..{FRAME_BODY_BYTES}")
    if end > size:
        raise FrameError(start, f"the body ends {end - size} bytes behind the buffer")
    content = view[body:end]
    checked = content
    if word & ARRAYS:
        if length < LEAD_BYTES:
            raise FrameError(start, f"a body of {length} bytes is too short to have arrays")
        mark, record_bytes = LEAD.unpack_from(content)
        if mark != LEAD_MARK or LEAD_BYTES + record_bytes > length:
            raise FrameError(start, f"a record of {record_bytes} bytes with its arrays is no body")
        checked = content[: LEAD_BYTES + record_bytes]
    if crc32(checked) != checksum:
        raise FrameError(start, "wrong checksum")
    return end, content


def walk(buffer: bytes | memoryview, start: int = 0) -> Iterator[tuple[int, memoryview]]:
    """Yield ``(end, body)`` for each frame from byte ``start`` of ``buffer``.

    ``end`` is the offset just behind the frame. The bodies are views: they are valid as long as
    the buffer is.

    Raises:
        FrameError: at the first bytes that are no whole, valid frame; what was yielded before
            stays good.
    """
    view = memoryview(buffer)
    while start < len(view):
        end, content = body_at(view, start)
        yield end, content
        start = end


def whole(buffer: bytes | memoryview, start: int = 0) -> int:
    """Return the offset behind the last frame that is whole and valid, walking from ``start``."""
    good = start
    try:
        for end, _ in walk(buffer, start):
            good = end
    except FrameError:
        pass
    return good
