"""The bytes of one frame: in the journal, on the socket and in recovery they are the same.

::

    u32  length of the body, little endian
    u32  CRC-32 (zlib's polynomial) of the body, little endian
    body one record, see tbxd_wire.records

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

_pack_header = HEADER.pack
_unpack_header = HEADER.unpack_from


def encode(body: bytes) -> bytes:
    """Return the frame of ``body``: its header and itself."""
    return _pack_header(len(body), crc32(body)) + body


def walk(buffer: bytes | memoryview, start: int = 0) -> Iterator[tuple[int, memoryview]]:
    """Yield ``(end, body)`` for each frame from byte ``start`` of ``buffer``.

    ``end`` is the offset just behind the frame. The bodies are views: they are valid as long as
    the buffer is.

    Raises:
        FrameError: at the first bytes that are no whole, valid frame; what was yielded before
            stays good.
    """
    view = memoryview(buffer)
    size = len(view)
    while start < size:
        body = start + HEADER_BYTES
        if body > size:
            raise FrameError(start, f"{size - start} bytes are too few for a header")
        length, checksum = _unpack_header(view, start)
        end = body + length
        if length == 0 or length > FRAME_BODY_BYTES:
            raise FrameError(start, f"a body of {length} bytes is outside 1..{FRAME_BODY_BYTES}")
        if end > size:
            raise FrameError(start, f"the body ends {end - size} bytes behind the buffer")
        content = view[body:end]
        if crc32(content) != checksum:
            raise FrameError(start, "wrong checksum")
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
