from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tbxd.encode.pixels import bytes_of
from tbxd_wire.errors import RecordError


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_whatever_was_divided_by_255_comes_back(dtype: Any) -> None:
    levels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(bytes_of(levels.astype(dtype) / dtype(255)), levels)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_are_clipped_and_cut(dtype: Any) -> None:
    values = np.array([0.5, 1.0, 1.01, -0.1, np.nan, np.inf, -np.inf, 60000, -60000], dtype)
    assert bytes_of(values).tolist() == [127, 255, 255, 0, 0, 255, 0, 255, 0]


def test_a_float64_beyond_float32_is_clipped() -> None:
    assert bytes_of(np.array([1e300, -1e300])).tolist() == [255, 0]


def test_uint8_is_not_copied() -> None:
    values = np.arange(9, dtype=np.uint8)
    assert bytes_of(values) is values


def test_bools_are_black_and_white_whatever_their_bytes_are() -> None:
    values = np.array([0, 1, 2, 255], np.uint8).view(np.bool_)
    assert bytes_of(values).tolist() == [0, 255, 255, 255]


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"])
def test_integers_of_a_mask(dtype: str) -> None:
    assert bytes_of(np.array([0, 1, 0], dtype)).tolist() == [0, 255, 0]
    assert bytes_of(np.array([0, 0], dtype)).tolist() == [0, 0]


@pytest.mark.parametrize("dtype", ["int16", "int32", "int64", "uint32", "uint64"])
def test_integers_are_levels(dtype: str) -> None:
    assert bytes_of(np.array([0, 1, 7, 255, 256, 30000], dtype)).tolist() == [
        0,
        1,
        7,
        255,
        255,
        255,
    ]
    if dtype[0] == "i":
        assert bytes_of(np.array([-1, -30000, 2], dtype)).tolist() == [0, 0, 2]
        assert bytes_of(np.array([-7, 1], dtype)).tolist() == [0, 255]


def test_uint16_keeps_its_upper_bits() -> None:
    assert bytes_of(np.array([0, 1, 255, 256, 65535], np.uint16)).tolist() == [0, 0, 0, 1, 255]


def test_big_integers_are_not_rounded_into_others() -> None:
    values = np.array([np.iinfo(np.int64).max, np.iinfo(np.int64).min])
    assert bytes_of(values).tolist() == [255, 0]
    assert bytes_of(np.array([np.iinfo(np.uint64).max, 3], np.uint64)).tolist() == [255, 3]


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(RecordError, match="real numbers, not complex64"):
        bytes_of(np.zeros(3, np.complex64))
