"""The values of a picture, of any dtype, as the bytes of its pixels.

==============  =================================================================================
uint8           as it is
bool            0 and 255
floats          times 255, clipped to 0..255, cut to a whole number as both peers do; NaN is 0
uint16          its upper 8 bits
other integers  clipped to 0..255
==============  =================================================================================

An integer array without a value above 1 is a mask, 1 becomes 255: as both peers show it. Where it
has greater values they do not agree and neither shows a picture: torch makes all of them 255, and
tensorboardX takes what is left of 255 times the value by 256.
"""

from __future__ import annotations

import numpy as np

from tbxd_wire.errors import RecordError

from .arrays import NDArray


def bytes_of(values: NDArray) -> NDArray:
    """Return uint8 of the same shape; ``values`` itself if it is uint8. It must not be empty.

    Raises:
        RecordError: complex numbers.
    """
    kind = values.dtype.kind
    if values.dtype == np.uint8:
        return values
    if kind == "b":
        # The bytes of a hostile record may be others than 0 and 1.
        return _mask(values.view(np.uint8) != 0)
    if kind == "f":
        return _of_floats(values)
    if kind not in "iu":
        raise RecordError(f"pixels must be real numbers, not {values.dtype.name}")
    if values.max() <= 1:
        return _mask(values > 0)
    if values.dtype == np.uint16:
        return (values >> 8).astype(np.uint8)
    return np.clip(values, 0, 255).astype(np.uint8)


def _mask(chosen: NDArray) -> NDArray:
    """Return a bool array as bytes."""
    return chosen.astype(np.uint8) * np.uint8(255)


def _of_floats(values: NDArray) -> NDArray:
    """Return floats as bytes. Any k / 255, in float32 or float64, becomes k again."""
    with np.errstate(all="ignore"):
        scaled = values.astype(np.float32)
        scaled *= 255
        # Other than maximum and clip, fmax takes the number and not the NaN.
        np.fmax(scaled, 0, out=scaled)
        np.fmin(scaled, 255, out=scaled)
    return scaled.astype(np.uint8)
