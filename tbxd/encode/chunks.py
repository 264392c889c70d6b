"""Arrays of records piece by piece, so that an encoder's memory does not grow with the array."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tbxd_wire.arrays import ITEM_BYTES, Array
from tbxd_wire.errors import RecordError

from .arrays import NDArray, array_of, numpy_of

CHUNK_ELEMENTS = 1 << 17
"""Elements of a chunk: 1 MiB of float64, so that a few of them lie in a core's own cache. With a
quarter of it, threads would ask for the interpreter lock four times as often."""


def real_array_of(value: object, name: str) -> Array:
    """Return a field that must be an array of real numbers.

    Raises:
        RecordError: it is no array, or of complex numbers.
    """
    array = array_of(value, name)
    if array.dtype.startswith("complex"):
        raise RecordError(f"{name} must be real numbers, not {array.dtype}")
    return array


def chunks(array: Array, elements: int = CHUNK_ELEMENTS) -> Iterator[NDArray]:
    """Yield all elements in order, in flat arrays of at most ``elements`` of them.

    Each is what tbxd.encode.arrays makes of its dtype: a view of the record wherever numpy has it.
    """
    item_bytes = ITEM_BYTES[array.dtype]
    size = len(array.data) // item_bytes
    for start in range(0, size, elements):
        count = min(elements, size - start)
        data = array.data[start * item_bytes : (start + count) * item_bytes]
        yield numpy_of(Array(array.dtype, (count,), data), "a chunk")


def float_chunks(array: Array, elements: int = CHUNK_ELEMENTS) -> Iterator[NDArray]:
    """Yield all elements of an array of real numbers in order, as new flat arrays of float64."""
    for chunk in chunks(array, elements):
        # A signalling NaN is a NaN like any other.
        with np.errstate(invalid="ignore"):
            floats = chunk.astype(np.float64)
        yield floats
