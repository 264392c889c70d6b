"""Right checksums for spoiled bytes: so what lies behind the checksums is reached at all."""

from __future__ import annotations

from zlib import crc32

from tbxd_wire.frame import ARRAYS, HEADER, HEADER_BYTES, LEAD, LEAD_BYTES, body_length


def frames(data: bytes) -> bytes:
    """Return ``data`` with the checksum of each frame that its lengths tell of made right."""
    mended = bytearray(data)
    start = 0
    while start + HEADER_BYTES < len(mended):
        word, _ = HEADER.unpack_from(mended, start)
        body = start + HEADER_BYTES
        end = checked = body + body_length(word)
        if word & ARRAYS and body + LEAD_BYTES <= len(mended):
            checked = body + LEAD_BYTES + LEAD.unpack_from(mended, body)[1]
        HEADER.pack_into(mended, start, word, crc32(mended[body:checked]))
        start = end
    return bytes(mended)
