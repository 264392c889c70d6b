"""Arrays of any framework, ready to be copied once, straight into a journal.

An array says itself what it is: numpy's are known by their class, torch's only where torch is
imported already, all others by the protocols of the field (``__array__``, DLPack, a ``get`` or
``copy_to_host`` beside ``__cuda_array_interface__``). Nothing is copied or converted here where it
can be copied later: a view, a transposed or reversed array, a tensor on a device are all read for
the first time when they are written to where they are to be.

Exact dtypes: bfloat16 and the float8 family travel as they are.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy

from tbxd_wire.arrays import DIMENSIONS, ITEM_BYTES, Source

from .convert import NO_ARRAYS

_PLAIN = {
    numpy.dtype(name): name
    for name in ITEM_BYTES
    if not name.startswith(("bfloat", "float8", "complex"))
}
"""The dtypes whose arrays a memoryview can hold, in this machine's byte order, by name."""

_PLAIN_NAMES = frozenset(_PLAIN.values())

_WIDE_FLOATS = ("longdouble", "float96", "float128")
_WIDE_COMPLEX = ("clongdouble", "complex192", "complex256")


class HostArray:
    """A numpy array of any strides and byte order.

    Attributes:
        array: what is copied; do not write to it.
    """

    __slots__ = ("array", "dtype", "nbytes", "shape")

    def __init__(self, array: numpy.ndarray[Any, Any], dtype: str) -> None:
        self.array = array
        self.dtype = dtype
        self.shape = array.shape
        self.nbytes = array.nbytes

    def copy_to(self, target: memoryview) -> None:
        """Write the elements into ``nbytes`` writable bytes."""
        if self.nbytes:
            native = self.array.dtype.newbyteorder("<")
            numpy.copyto(numpy.frombuffer(target, native).reshape(self.shape), self.array)


class PlainArray(HostArray):
    """A numpy array whose memory is, byte by byte, what a record holds."""

    __slots__ = ()

    def copy_to(self, target: memoryview) -> None:
        """Write the elements into ``nbytes`` writable bytes."""
        if self.nbytes:
            target[:] = self.array.data.cast("B")


class DeviceTensor:
    """A torch tensor that is not in the host's memory: one copy brings it from there."""

    __slots__ = ("_tensor", "dtype", "nbytes", "shape")

    def __init__(self, tensor: Any, dtype: str) -> None:
        self._tensor = tensor
        self.dtype = dtype
        self.shape = tuple(tensor.shape)
        self.nbytes = tensor.numel() * tensor.element_size()

    def copy_to(self, target: memoryview) -> None:
        """Write the elements into ``nbytes`` writable bytes; waits for the device."""
        if self.nbytes:
            torch = sys.modules["torch"]
            there = torch.frombuffer(target, dtype=self._tensor.dtype)
            there.view(self.shape).copy_(self._tensor)


def source(value: Any, name: str = "values") -> Source:
    """Return ``value`` as an array that a record can hold.

    Args:
        value: a number, a list of numbers, or an array or tensor of any framework, of any shape,
            strides, dtype and device.
        name: what error messages call it.

    Raises:
        NotImplementedError: a container or object that is no array, as both peers raise.
        TypeError: a string, an array of objects or strings, a dtype that is no number.
        ValueError: a ragged list, or more dimensions than DIMENSIONS.
    """
    if isinstance(value, numpy.ndarray):
        if type(value) is not numpy.ndarray:
            # The elements of a masked array, a matrix, a memmap: as numpy.histogram sees them.
            value = numpy.asarray(value)
        # Asking a dtype for its name costs more than all the rest.
        dtype = _PLAIN.get(value.dtype)
        if dtype is not None and value.flags.c_contiguous and value.ndim <= DIMENSIONS:
            return PlainArray(value, dtype)
        return _of_numpy(value, name)
    # Another thread may be importing it: then it has no tensors yet.
    torch = sys.modules.get("torch")
    if isinstance(value, getattr(torch, "Tensor", ())):
        return _of_torch(value, torch, name)
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{name} must be an array of numbers, not {value!r:.60}")
    if isinstance(value, NO_ARRAYS):
        raise NotImplementedError(
            f"{name} must be an array, a tensor or a list of numbers, not {type(value).__name__}"
        )
    return _of_numpy(_to_numpy(value, name), name)


def host_array(value: Any, name: str = "values") -> numpy.ndarray[Any, Any]:
    """Return ``value`` as a numpy array in the host's memory, for the little that callers compute.

    Raises:
        As :func:`source`.
    """
    found = source(value, name)
    if isinstance(found, HostArray) and found.array.dtype.name == found.dtype:
        return found.array
    if isinstance(found, DeviceTensor):
        value = value.detach().cpu()
        return host_array(value, name)
    # bfloat16 and float8: every value of theirs is one of float32's.
    return numpy.asarray(value.detach().float().numpy())


def _of_numpy(array: numpy.ndarray[Any, Any], name: str) -> HostArray:
    if array.dtype.name in _WIDE_FLOATS:
        array = array.astype(numpy.float64)
    elif array.dtype.name in _WIDE_COMPLEX:
        array = array.astype(numpy.complex128)
    if array.dtype.name not in ITEM_BYTES:
        raise TypeError(f"{name} must be numbers, not {array.dtype.name} (shape {array.shape})")
    if array.ndim > DIMENSIONS:
        raise ValueError(f"{name} must have at most {DIMENSIONS} dimensions, not {array.ndim}")
    return HostArray(array, array.dtype.name)


@functools.cache
def _torch_name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _of_torch(tensor: Any, torch: Any, name: str) -> Source:
    dtype = _torch_name(tensor.dtype)
    if dtype in _PLAIN_NAMES:
        # Most tensors need no more than this: torch's calls are slow where caches are cold.
        try:
            array = tensor.detach().numpy()
        except (RuntimeError, TypeError):
            pass
        else:
            if array.ndim <= DIMENSIONS:
                kind = PlainArray if array.flags.c_contiguous else HostArray
                return kind(array, dtype)
    if tensor.is_meta:
        raise NotImplementedError(f"{name}: a tensor on the meta device has no values to log")
    if dtype not in ITEM_BYTES:
        raise TypeError(f"{name} must be numbers, not {tensor.dtype}")
    if tensor.layout is not torch.strided:
        raise TypeError(f"{name} must be a dense tensor, not one of layout {tensor.layout}")
    if tensor.ndim > DIMENSIONS:
        raise ValueError(f"{name} must have at most {DIMENSIONS} dimensions, not {tensor.ndim}")
    tensor = tensor.detach().resolve_conj().resolve_neg()
    if tensor.device.type != "cpu":
        return DeviceTensor(tensor, dtype)
    if dtype == "bfloat16":
        return HostArray(tensor.view(torch.int16).numpy(), dtype)
    if dtype.startswith("float8"):
        return HostArray(tensor.view(torch.int8).numpy(), dtype)
    return HostArray(tensor.numpy(), dtype)


def _to_numpy(value: Any, name: str) -> numpy.ndarray[Any, Any]:
    """Return the elements of a list, a number, or another framework's array on the host."""
    if isinstance(value, (list, bool, int, float, complex, numpy.generic)):
        return numpy.array(value)
    if hasattr(value, "__cuda_array_interface__"):
        for method in ("get", "copy_to_host"):
            if callable(fetch := getattr(value, method, None)):
                return numpy.asarray(fetch())
    if hasattr(value, "__array__") or hasattr(value, "__array_interface__"):
        return numpy.asarray(value)
    if callable(as_numpy := getattr(value, "numpy", None)):
        return numpy.asarray(as_numpy())
    if hasattr(value, "__dlpack__"):
        return numpy.from_dlpack(value)
    raise NotImplementedError(
        f"{name} must be an array, a tensor or a list of numbers, not {type(value).__name__}"
    )
