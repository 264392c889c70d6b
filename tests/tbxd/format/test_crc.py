from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

from tbxd.format.crc import crc32c, masked


@pytest.mark.parametrize(
    ("data", "checksum"),
    [(b"", 0), (b"123456789", 0xE3069283), (b"\0" * 32, 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43)],
)
def test_it_is_the_castagnoli_polynomial(data: bytes, checksum: int) -> None:
    """The check values of RFC 3720, B.4, and of the CRC catalogues."""
    assert crc32c(data) == checksum


@given(st.binary(max_size=200))
def test_the_mask_is_tensorboards(data: bytes) -> None:
    assert masked(data) == masked_crc32c(data)
