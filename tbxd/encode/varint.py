"""Protobuf's variable-length integers, for the one message that is packed by hand."""

from __future__ import annotations

_TWO_TO_64 = 1 << 64


def varint(number: int) -> bytes:
    """Return the varint of an int64 or uint64; a negative one is its two's complement."""
    number %= _TWO_TO_64
    packed = bytearray()
    while number > 0x7F:
        packed.append(number & 0x7F | 0x80)
        number >>= 7
    packed.append(number)
    return bytes(packed)
