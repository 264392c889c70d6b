"""The bytes of one record of an event file.

::

    u64  length of the data, little endian
    u32  masked CRC-32C of those eight bytes, little endian
         the data: one serialized Event
    u32  masked CRC-32C of the data, little endian

Framing is on the scalar's hot path. The first twelve bytes depend on the length only, so they are
kept; the masks of many checksums are computed in one go; and the pieces of all records are joined
once.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from .crc import MASK_DELTA, crc32c, masked

HEADER = struct.Struct("<QI")
FOOTER = struct.Struct("<I")
HEADER_BYTES = 12
FOOTER_BYTES = 4
OVERHEAD_BYTES = HEADER_BYTES + FOOTER_BYTES
assert HEADER.size == HEADER_BYTES
assert FOOTER.size == FOOTER_BYTES

DATA_BYTES = (1 << 31) - 1
"""The longest data there are: no protobuf message may be longer, whoever writes it."""

_pack_length = struct.Struct("<Q").pack
_pack_footer = FOOTER.pack

_HEADERS_KEPT = 4096
"""Lengths whose header is kept: scalars have a few dozen, and 4096 of them take half a MiB."""

_TOGETHER_FROM = 24
"""From this many records on, masking their checksums as one array is faster than one by one."""


class _Headers(dict[int, bytes]):
    """The header for each length of data, made when it is first asked for."""

    def __missing__(self, length: int) -> bytes:
        packed = _pack_length(length)
        header = packed + _pack_footer(masked(packed))
        if len(self) < _HEADERS_KEPT:
            self[length] = header
        return header


_headers = _Headers()
_header_of = _headers.__getitem__


def header(length: int) -> bytes:
    """Return the first twelve bytes of a record whose data has ``length`` bytes."""
    return _header_of(length)


def frame(events: Sequence[bytes]) -> bytes:
    """Return the records of ``events``, back to back."""
    count = len(events)
    pieces = [b""] * (3 * count)
    pieces[0::3] = map(_header_of, map(len, events))
    pieces[1::3] = events
    if count < _TOGETHER_FROM:
        pieces[2::3] = [_pack_footer(masked(event)) for event in events]
    else:
        checksums = np.fromiter(map(crc32c, events), np.uint32, count)
        # Unsigned arrays wrap around, which is the "modulo 2**32" of the mask.
        footers = (checksums >> 15 | checksums << 17) + np.uint32(MASK_DELTA)
        # As raw four-byte items, an array's list is a list of bytes.
        pieces[2::3] = footers.astype("<u4").view("V4").tolist()
    return b"".join(pieces)
