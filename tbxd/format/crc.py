"""The checksum of TFRecord files: CRC-32C, masked.

The mask is there because a record may itself hold bytes with their checksums: the plain CRC of
data that ends in its own CRC is a constant.
"""

from __future__ import annotations

import google_crc32c

MASK_DELTA = 0xA282EAD8
"""The constant of the TFRecord format: masked = rotate_right(crc, 15) + delta, modulo 2**32."""

crc32c = google_crc32c.value
"""The plain CRC-32C of bytes."""

extended = google_crc32c.extend
"""The plain CRC-32C of what has a given one and of the bytes behind it."""


def masked(data: bytes) -> int:
    """Return the masked CRC-32C of ``data``, as a u32."""
    return mask(crc32c(data))


def mask(checksum: int) -> int:
    """Return a plain CRC-32C masked, as a u32."""
    return ((checksum >> 15 | checksum << 17) + MASK_DELTA) & 0xFFFFFFFF
