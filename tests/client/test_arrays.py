"""Arrays of any framework: their exact elements, copied once, or a clear refusal."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tbxd.encode.arrays import numpy_of
from tbxd_client import arrays
from tbxd_wire.arrays import DIMENSIONS, ITEM_BYTES, Array, Source


def copied(source: Source) -> Any:
    """Return what a daemon sees of a source."""
    buffer = bytearray(source.nbytes)
    source.copy_to(memoryview(buffer))
    return numpy_of(Array(source.dtype, source.shape, memoryview(buffer)), "the array")


NUMPY_DTYPES = [name for name in ITEM_BYTES if not name.startswith(("bfloat", "float8"))]
NARROW = [name for name in ITEM_BYTES if name.startswith(("bfloat", "float8"))]


@given(
    st.sampled_from(NUMPY_DTYPES).flatmap(
        lambda name: hnp.arrays(np.dtype(name), hnp.array_shapes(min_dims=0, min_side=0))
    )
)
def test_numpy(array: Any) -> None:
    for view in (array, array.T, array[::-1] if array.ndim else array):
        found = copied(arrays.source(view))
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, view)


@pytest.mark.parametrize("name", NUMPY_DTYPES)
def test_torch_where_numpy_has_the_dtype(name: str) -> None:
    tensor = torch.arange(6).reshape(2, 3).to(getattr(torch, name))
    for view in (tensor, tensor.T, tensor[:, :1], tensor[0, 0], tensor[:0]):
        found = copied(arrays.source(view))
        assert found.dtype.name == name
        np.testing.assert_array_equal(found, view.numpy())


@pytest.mark.parametrize("name", NARROW)
def test_narrow_floats_of_torch_are_exact(name: str) -> None:
    dtype = getattr(torch, name)
    codes = torch.arange(1 << 8 * ITEM_BYTES[name]).to(
        torch.uint8 if ITEM_BYTES[name] == 1 else torch.int32
    )
    tensor = (codes if ITEM_BYTES[name] == 1 else codes.to(torch.int16)).view(dtype)
    source = arrays.source(tensor)
    assert source.dtype == name
    np.testing.assert_array_equal(copied(source), tensor.float().numpy())
    np.testing.assert_array_equal(
        copied(arrays.source(tensor.reshape(2, -1).T)), tensor.reshape(2, -1).T.float().numpy()
    )


@pytest.mark.parametrize("name", NARROW)
def test_narrow_floats_of_ml_dtypes_are_exact(name: str) -> None:
    array = np.arange(-4, 4, 0.5).astype(np.dtype(getattr(ml_dtypes, name)))
    source = arrays.source(array)
    assert source.dtype == name
    np.testing.assert_array_equal(copied(source), array.astype(np.float32))


def test_gradients_and_conjugates() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    np.testing.assert_array_equal(copied(arrays.source(parameter)), np.ones(2, np.float32))
    tensor = torch.tensor([1 + 2j])
    np.testing.assert_array_equal(copied(arrays.source(tensor.conj())), [1 - 2j])
    np.testing.assert_array_equal(copied(arrays.source(tensor.conj().imag)), [-2.0])


def test_the_byte_order_does_not_travel() -> None:
    found = copied(arrays.source(np.arange(3, dtype=">i4")))
    np.testing.assert_array_equal(found, [0, 1, 2])


@pytest.mark.parametrize("value", [[1, 2], [[1.5], [2.5]], 3, 2.5, True, np.float32(7), [], [[]]])
def test_lists_and_numbers(value: Any) -> None:
    np.testing.assert_array_equal(copied(arrays.source(value)), np.array(value))


def test_wide_floats_become_float64() -> None:
    assert arrays.source(np.ones(2, np.longdouble)).dtype == "float64"
    assert arrays.source(np.ones(2, np.clongdouble)).dtype == "complex128"


@pytest.mark.parametrize("step", [1, 2])
def test_subclasses_of_numpys_array_are_their_elements(step: int) -> None:
    array = np.arange(6.0).reshape(2, 3)
    for each in (np.ma.masked_array(array, array > 2), array.view(np.recarray)):
        np.testing.assert_array_equal(copied(arrays.source(each[:, ::step])), array[:, ::step])


class Jax:
    """An array with numpy's protocol, as jax's have it."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.arange(3.0)


class TensorFlow:
    """A tensor with the method of TensorFlow's."""

    def numpy(self) -> Any:
        return np.arange(3.0)


class Cupy:
    """An array on a device, which refuses to become numpy's by itself."""

    __cuda_array_interface__ = None

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError("implicit conversion to a NumPy array is not allowed")

    def get(self) -> Any:
        return np.arange(3.0)


class Numba:
    """An array on a device, as numba has it."""

    __cuda_array_interface__ = None

    def copy_to_host(self) -> Any:
        return np.arange(3.0)


class DlPack:
    """An array that knows DLPack alone."""

    def __dlpack__(self, **options: Any) -> Any:
        return np.arange(3.0).__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return np.arange(3.0).__dlpack_device__()


@pytest.mark.parametrize("value", [Jax(), TensorFlow(), Cupy(), Numba(), DlPack()])
def test_other_frameworks(value: Any) -> None:
    np.testing.assert_array_equal(copied(arrays.source(value)), np.arange(3.0))
    np.testing.assert_array_equal(arrays.host_array(value), np.arange(3.0))


@pytest.mark.parametrize("shape", [(2, 3), (), (0, 2)])
def test_a_device_tensor_is_copied_to_where_it_is_to_be(shape: tuple[int, ...]) -> None:
    tensor = torch.rand(shape).to(torch.bfloat16)
    source = arrays.DeviceTensor(tensor, "bfloat16")
    np.testing.assert_array_equal(copied(source), tensor.float().numpy())


@pytest.mark.parametrize(
    "value",
    [(1, 2), {1: 2}, {1}, range(3), None, object(), np.ndarray, torch.empty(2, device="meta")],
)
def test_what_is_no_array_is_refused_as_the_peers_do(value: Any) -> None:
    with pytest.raises(NotImplementedError, match="points"):
        arrays.source(value, "points")


@pytest.mark.parametrize(
    "value",
    [
        "text",
        b"bytes",
        np.array(["a"]),
        np.array([object()]),
        np.array(["2020-01-01"], "datetime64[D]"),
        torch.eye(2).to_sparse(),
        ["a"],
    ],
)
def test_what_holds_no_numbers_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="points"):
        arrays.source(value, "points")


def test_a_ragged_list_and_too_many_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match="inhomogeneous"):
        arrays.source([[1], [1, 2]])
    with pytest.raises(ValueError, match=f"at most {DIMENSIONS} dimensions"):
        arrays.source(torch.zeros((1,) * (DIMENSIONS + 1)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float8_e5m2])
def test_what_the_caller_computes_with(dtype: Any) -> None:
    found = arrays.host_array(torch.tensor([1.0, 2.0]).to(dtype))
    assert found.tolist() == [1.0, 2.0]
