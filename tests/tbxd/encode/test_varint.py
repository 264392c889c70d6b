from __future__ import annotations

import pytest
from google.protobuf.internal import encoder
from hypothesis import given
from hypothesis import strategies as st

from tbxd.encode.varint import varint


@given(st.integers(-(1 << 63), (1 << 64) - 1))
def test_bytes_are_protobufs(number: int) -> None:
    written: list[bytes] = []
    encoder._EncodeSignedVarint(written.append, number - (1 << 64) * (number >= 1 << 63))  # type: ignore[attr-defined]
    assert varint(number) == b"".join(written)


@pytest.mark.parametrize(
    ("number", "packed"),
    [
        (0, b"\x00"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (300, b"\xac\x02"),
        (-1, b"\xff" * 9 + b"\x01"),
    ],
)
def test_known_bytes(number: int, packed: bytes) -> None:
    assert varint(number) == packed
