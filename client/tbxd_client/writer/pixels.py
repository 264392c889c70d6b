"""What pictures and videos have in common.

Layouts (``dataformats``) name the dimensions of an array, see :mod:`tbxd_wire.layouts`. Any order
and either case will do. What the values of an array mean depends on its dtype:

==============  =================================================================================
uint8           0 to 255, as it is
bool            0 and 255
floats          0 to 1 become 0 to 255; what is beyond is clipped, NaN is 0
uint16          0 to 65535 become 0 to 255
other integers  0 to 255, clipped
==============  =================================================================================

An integer array without a value above 1 is taken for a mask: 1 becomes 255.
"""

from __future__ import annotations

from typing import Any

from tbxd_client import convert
from tbxd_wire import layouts
from tbxd_wire.arrays import Source


def layout(dataformats: Any) -> str:
    """Return a layout in capitals."""
    if not isinstance(dataformats, str):
        raise TypeError(f"dataformats must be a str, not {type(dataformats).__name__}")
    return convert.plain(dataformats).upper()


def extents(layout: str, shape: tuple[int, ...], letters: str) -> dict[str, int]:
    """Return the extent of each letter; AssertionError for a layout that does not fit."""
    try:
        return layouts.extents(layout, shape, letters)
    except ValueError as error:
        raise AssertionError(f"dataformats: {error}") from None


def check_values(source: Source, what: str) -> None:
    """Raise an error if ``source``, which is ``what``, is no real numbers, or none at all."""
    if source.dtype.startswith("complex"):
        raise TypeError(f"{what} must be of real numbers, not {source.dtype}")
    if not source.nbytes:
        raise ValueError(f"{what} must have pixels; its shape is {source.shape}")
