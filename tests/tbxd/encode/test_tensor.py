"""Tensors as TensorBoard reads them back."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.util.tensor_util import make_ndarray

from tbxd.encode import encode
from tbxd_wire.arrays import ITEM_BYTES
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import Anything, record_of

EVERY_BYTE = bytes(range(256))
INSTEAD = {
    "bfloat16": "float32",
    **{
        f"float8_{form}": "float16"
        for form in (
            "e4m3fn",
            "e4m3fnuz",
            "e5m2",
            "e5m2fnuz",
        )
    },
}


def read(dtype: str, shape: tuple[int, ...], pattern: bytes = EVERY_BYTE) -> Any:
    ((place, data),) = encode(record_of(Kind.TENSOR, "t", Anything(dtype, shape, pattern)))
    assert place == ""
    (value,) = Event.FromString(data).summary.value
    assert value.tensor.HasField("tensor_shape")
    assert (value.tag, value.metadata.plugin_data.plugin_name) == ("t", "tensor")
    return make_ndarray(value.tensor)


@pytest.mark.parametrize("dtype", ITEM_BYTES)
@pytest.mark.parametrize("shape", [(256,), (2, 8, 16)])
def test_every_dtype_is_read_back(dtype: str, shape: tuple[int, ...]) -> None:
    pattern = b"\0\1" if dtype == "bool" else EVERY_BYTE
    found = read(dtype, shape, pattern)
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    held = (pattern * 16 * 256)[: found.size * kind.itemsize]
    expected = np.frombuffer(held, kind).reshape(shape)
    assert found.dtype.name == INSTEAD.get(dtype, dtype)
    if dtype in INSTEAD:
        # Each value, and each NaN.
        np.testing.assert_array_equal(found.astype(np.float64), expected.astype(np.float64))
    else:
        assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", ITEM_BYTES)
def test_one_element_without_a_dimension(dtype: str) -> None:
    assert read(dtype, ()).shape == ()


@pytest.mark.parametrize("dtype", ITEM_BYTES)
def test_no_elements(dtype: str) -> None:
    found = read(dtype, (3, 0))
    unreadable = dtype in ("uint32", "uint64")
    assert found.dtype.name == ("int64" if unreadable else INSTEAD.get(dtype, dtype))
    assert found.shape == (3, 0)


def test_a_shape_that_numpy_does_not_allow_is_kept() -> None:
    fields = Anything("int8", (0, 1 << 28, 1 << 28, 1 << 28), b"x")
    ((_, data),) = encode(record_of(Kind.TENSOR, "t", fields))
    shape = Event.FromString(data).summary.value[0].tensor.tensor_shape
    assert [dim.size for dim in shape.dim] == [0, 1 << 28, 1 << 28, 1 << 28]


@pytest.mark.parametrize("fields", [(), (None,), ([1.0],), (b"bytes",)])
def test_what_is_refused(fields: tuple[Any, ...]) -> None:
    with pytest.raises(RecordError, match=r"must be an array|ends before it"):
        encode(record_of(Kind.TENSOR, "t", *fields))
