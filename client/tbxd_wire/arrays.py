"""Arrays in records: described inside the record, their elements behind it.

In the record an array is a msgpack extension of type EXTENSION whose content is the msgpack array
``[dtype str, [extent, ...]]``. Its elements are not there: those of all arrays of a record lie
behind it, back to back, in the order in which the descriptions stand (tbxd_wire.frame says where).
They are little endian and in C order. So the elements are copied once, from wherever they were
into the journal, and never pass through msgpack.

The dtypes are numpy's names, and for what numpy lacks those of the ml_dtypes package.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple, Protocol

import msgpack

from .errors import RecordError
from .limits import FRAME_BODY_BYTES

EXTENSION = 1
"""Type of the msgpack extension that describes an array."""

DIMENSIONS = 32
"""Most dimensions of an array: what every version of numpy can hold."""

ITEM_BYTES = {
    "bool": 1,
    "int8": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
    "uint8": 1,
    "uint16": 2,
    "uint32": 4,
    "uint64": 8,
    "float8_e4m3fn": 1,
    "float8_e4m3fnuz": 1,
    "float8_e5m2": 1,
    "float8_e5m2fnuz": 1,
    "float16": 2,
    "bfloat16": 2,
    "float32": 4,
    "float64": 8,
    "complex64": 8,
    "complex128": 16,
}
"""Bytes of one element of each dtype there is."""


class Source(Protocol):
    """An array on its way into a journal."""

    @property
    def dtype(self) -> str:
        """One of ITEM_BYTES."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The extents."""

    @property
    def nbytes(self) -> int:
        """What ``copy_to`` writes."""

    def copy_to(self, target: memoryview) -> None:
        """Write the elements, little endian and in C order, into ``nbytes`` writable bytes."""


class Array(NamedTuple):
    """An array as it comes out of a record."""

    dtype: str
    """One of ITEM_BYTES."""
    shape: tuple[int, ...]
    data: memoryview
    """The elements: little endian, C order; exactly as many bytes as dtype and shape say. May
    begin at any address."""

    @property
    def size(self) -> int:
        """How many elements."""
        return math.prod(self.shape)


@lru_cache(maxsize=1024)
def describe(dtype: str, shape: tuple[int, ...]) -> msgpack.ExtType:
    """Return what stands in a record for an array. (A training logs the same shapes again and
    again, so the last ones are kept.)"""
    return msgpack.ExtType(EXTENSION, msgpack.packb((dtype, shape)))


class Elements:
    """What lies behind a record, handed out array by array: the hook that msgpack asks."""

    def __init__(self, data: memoryview) -> None:
        self._rest = data

    @property
    def rest(self) -> int:
        """Bytes that no array has claimed yet."""
        return len(self._rest)

    def take(self, code: int, description: bytes) -> Array:
        """Return the next array.

        Raises:
            RecordError: an unknown extension, dtype or shape, or more elements than there are.
        """
        if code != EXTENSION:
            raise RecordError(f"a record has no extension of type {code}")
        try:
            dtype, shape = msgpack.unpackb(description)
        except (ValueError, TypeError, RecursionError, msgpack.UnpackException):
            raise RecordError("an array is described by its dtype and its shape") from None
        if type(dtype) is not str or dtype not in ITEM_BYTES:
            raise RecordError(f"an array's dtype {dtype!r:.40} is unknown")
        if type(shape) is not list or len(shape) > DIMENSIONS:
            raise RecordError(f"an array's shape is a list of up to {DIMENSIONS} extents")
        for extent in shape:
            if type(extent) is not int or not 0 <= extent <= FRAME_BODY_BYTES:
                raise RecordError(f"an array has no extent {extent!r:.40}")
        size = math.prod(shape) * ITEM_BYTES[dtype]
        if size > len(self._rest):
            raise RecordError(
                f"an array of {dtype} and shape {shape} has {size} bytes,"
                f" there are {len(self._rest)}"
            )
        data, self._rest = self._rest[:size], self._rest[size:]
        return Array(dtype, tuple(shape), data)
