"""Arrays of records as numpy arrays: views where numpy has the dtype, else float32 that is equal.

Every value of bfloat16 and of the float8 family is a float32, so nothing is rounded.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tbxd_wire.arrays import Array
from tbxd_wire.errors import RecordError

NDArray = np.ndarray[Any, np.dtype[Any]]

_FLOAT8 = {
    # (bits of the exponent, its bias, whether there are infinities, whether -0 is the NaN)
    "float8_e4m3fn": (4, 7, False, False),
    "float8_e4m3fnuz": (4, 8, False, True),
    "float8_e5m2": (5, 15, True, False),
    "float8_e5m2fnuz": (5, 16, False, True),
}


def array_of(value: Any, name: str) -> Array:
    """Return a field that must be an array.

    Raises:
        RecordError: it is none.
    """
    if type(value) is not Array:
        raise RecordError(f"{name} must be an array, not {type(value).__name__}")
    return value


def numpy_of(value: Any, name: str) -> NDArray:
    """Return a field that must be an array, as a numpy array of its shape; read only.

    A view of the record wherever numpy knows the dtype. Its elements may begin at any address.

    Raises:
        RecordError: it is no array.
    """
    array = array_of(value, name)
    try:
        return _elements(array).reshape(array.shape)
    except ValueError:
        # Without elements any extents are allowed, but not by numpy, which multiplies the others.
        raise RecordError(f"{name} cannot have the shape {array.shape}") from None


def _elements(array: Array) -> NDArray:
    """Return the elements in one dimension."""
    if array.dtype == "bfloat16":
        bits = np.frombuffer(array.data, np.dtype("<u2")).astype(np.uint32) << 16
        return bits.view(np.float32)
    if array.dtype in _FLOAT8:
        return _float8_values(array.dtype)[np.frombuffer(array.data, np.uint8)]
    return np.frombuffer(array.data, np.dtype(array.dtype).newbyteorder("<"))


def floats_of_array(value: Any, name: str) -> NDArray:
    """Return a field that must be an array of real numbers, as float64 of its shape.

    Raises:
        RecordError: it is no array, or of complex numbers.
    """
    found = numpy_of(value, name)
    if found.dtype.kind == "c":
        raise RecordError(f"{name} must be real numbers, not {found.dtype.name}")
    try:
        # A signalling NaN is a NaN like any other.
        with np.errstate(invalid="ignore"):
            return found.astype(np.float64)
    except ValueError:
        raise RecordError(f"{name} cannot have the shape {found.shape}") from None


@cache
def _float8_values(dtype: str) -> NDArray:
    """Return the float32 of each of the 256 codes: sign, exponent, mantissa, as IEEE 754 has it.

    The families differ in the bias and in what the last codes mean (Micikevicius et al., "FP8
    formats for deep learning", 2022; the "fnuz" ones: Noune et al., "8-bit numerical formats for
    deep neural networks", 2022).
    """
    exponent_bits, bias, has_infinities, minus_zero_is_nan = _FLOAT8[dtype]
    mantissa_bits = 7 - exponent_bits
    code = np.arange(256)
    sign = np.where(code & 0x80, -1.0, 1.0)
    exponent = code >> mantissa_bits & (1 << exponent_bits) - 1
    mantissa = (code & (1 << mantissa_bits) - 1) / (1 << mantissa_bits)
    normal = np.ldexp(1 + mantissa, exponent - bias)
    values = sign * np.where(exponent == 0, np.ldexp(mantissa, 1 - bias), normal)
    last = exponent == (1 << exponent_bits) - 1
    if has_infinities:
        values = np.where(last, np.where(mantissa == 0, sign * np.inf, np.nan), values)
    elif minus_zero_is_nan:
        values = np.where(code == 0x80, np.nan, values)
    else:
        values = np.where(code & 0x7F == 0x7F, np.nan, values)
    return values.astype(np.float32)
