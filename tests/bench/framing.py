"""TensorFlow's record format, as the bench needs it: to write a floor, to follow and count a file.

::

    u64  length, little endian
    u32  masked CRC-32C of the length
    data
    u32  masked CRC-32C of the data

Written for the bench alone, so that it checks tbxd's files with code that tbxd does not share.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache
from mmap import mmap

import google_crc32c

HEADER_BYTES = 12
TRAILER_BYTES = 4

_crc32c = google_crc32c.value
_unpack_length = struct.Struct("<Q").unpack_from
_unpack_checksum = struct.Struct("<I").unpack_from


class DamagedFile(Exception):
    """An event file that holds something else than whole, valid records."""


def masked_crc32c(data: bytes) -> int:
    """Return the checksum of ``data`` as record files store it."""
    crc: int = _crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@lru_cache(maxsize=1024)
def record_header(length: int) -> bytes:
    """Return the length and its checksum; lengths repeat, so they are remembered."""
    packed = length.to_bytes(8, "little")
    return packed + masked_crc32c(packed).to_bytes(4, "little")


def record_trailer(data: bytes) -> bytes:
    """Return the checksum that follows ``data``."""
    return masked_crc32c(data).to_bytes(4, "little")


def hop(buffer: bytes | mmap, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield ``(end, data)`` of each whole record from ``start``, trusting the lengths."""
    size = len(buffer)
    while start + HEADER_BYTES <= size:
        end = start + HEADER_BYTES + _unpack_length(buffer, start)[0] + TRAILER_BYTES
        if end > size:
            return
        yield end, buffer[start + HEADER_BYTES : end - TRAILER_BYTES]
        start = end


def checked(buffer: bytes | mmap) -> Iterator[bytes]:
    """Yield the data of each record of a whole file.

    Raises:
        DamagedFile: a checksum is wrong, or bytes are left over behind the last whole record.
    """
    start = 0
    for end, data in hop(buffer):
        if buffer[start : start + HEADER_BYTES] != record_header(len(data)):
            raise DamagedFile(f"the length at byte {start} does not match its checksum")
        if _unpack_checksum(buffer, end - TRAILER_BYTES)[0] != masked_crc32c(data):
            raise DamagedFile(f"the data at byte {start} do not match their checksum")
        yield data
        start = end
    if start != len(buffer):
        raise DamagedFile(f"{len(buffer) - start} bytes behind byte {start} are no whole record")
