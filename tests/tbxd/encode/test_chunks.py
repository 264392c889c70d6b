"""Arrays piece by piece."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from tbxd.encode.chunks import CHUNK_ELEMENTS, chunks, float_chunks, real_array_of
from tbxd_wire.arrays import ITEM_BYTES, Array
from tbxd_wire.errors import RecordError


@pytest.mark.parametrize("dtype", ITEM_BYTES)
@pytest.mark.parametrize("shape", [(), (7,), (2, 3), (3, 0)])
def test_the_pieces_are_the_whole(dtype: str, shape: tuple[int, ...]) -> None:
    kind = getattr(ml_dtypes, dtype, None) or np.dtype(dtype)
    values = np.ones(shape).cumsum().astype(kind)
    # At an odd address, as it may be in a record.
    held = memoryview(b"x" + values.tobytes())[1:]
    found = list(chunks(Array(dtype, shape, held), 4))
    assert [len(chunk) for chunk in found] == [4] * (values.size // 4) + [values.size % 4] * (
        values.size % 4 > 0
    )
    np.testing.assert_array_equal(
        np.concatenate([*found, []]), values.astype(np.complex128).reshape(-1)
    )


def test_floats_are_new_arrays_of_float64() -> None:
    held = bytearray(np.array([1, np.nan], np.float16).tobytes())
    (chunk,) = float_chunks(Array("float16", (2,), memoryview(held)))
    assert chunk.dtype == np.float64
    held[:] = bytes(4)
    np.testing.assert_array_equal(chunk, [1, np.nan])


def test_a_signalling_nan_is_none_of_numpys_warnings() -> None:
    held = np.array([0x7F800001], np.uint32)
    (chunk,) = float_chunks(Array("float32", (1,), memoryview(held.tobytes())))
    assert np.isnan(chunk).all()


def test_a_chunk_is_no_larger_than_promised() -> None:
    size = CHUNK_ELEMENTS + 1
    lengths = [len(each) for each in chunks(Array("int8", (size,), memoryview(bytes(size))))]
    assert lengths == [CHUNK_ELEMENTS, 1]


@pytest.mark.parametrize("value", [None, 1.0, [1.0], Array("complex64", (), memoryview(bytes(8)))])
def test_what_is_no_array_of_real_numbers(value: object) -> None:
    with pytest.raises(RecordError, match="labels must be"):
        real_array_of(value, "labels")
