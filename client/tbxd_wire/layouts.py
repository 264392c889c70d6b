"""What the letters of a picture's or a video's layout mean: the rules that both sides check.

A layout names the dimensions of an array in their order, each by one letter::

    N pictures or videos, side by side in a grid    H rows, from top to bottom
    T frames, one after the other                   W columns, from left to right
    C channels: 1 grey, 2 grey with alpha, 3 RGB, 4 RGBA

A picture has H and W, and may have C and N. A video has all five. Records hold capital letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from .limits import RESCALED_PIXELS

PICTURE = "NHWC"
"""The letters of a picture, in the order in which pixels lie in a PNG."""

VIDEO = "TNHWC"
"""The letters of a video, in the order in which pixels lie in a GIF."""


def extents(layout: str, shape: Sequence[int], letters: str) -> dict[str, int]:
    """Return the extent of each letter in ``letters``; 1 for those that ``layout`` lacks.

    Args:
        layout: capital letters.
        shape: of the array.
        letters: PICTURE or VIDEO.

    Raises:
        ValueError: unknown, missing or repeated letters, or not one for each dimension.
    """
    required = "HW" if letters == PICTURE else letters
    if not set(required) <= set(layout) <= set(letters) or len(set(layout)) != len(layout):
        wanted = "H and W, and perhaps C and N" if letters == PICTURE else "N, T, C, H and W"
        raise ValueError(f"a layout has the letters {wanted}, each once, not {layout!r:.40}")
    if len(layout) != len(shape):
        raise ValueError(
            f"the layout {layout!r} is for {len(layout)} dimensions,"
            f" the shape {tuple(shape)} has {len(shape)}"
        )
    found = dict(zip(layout, shape, strict=True))
    return {letter: found.get(letter, 1) for letter in letters}


def picture_grid(count: int) -> tuple[int, int]:
    """Return the rows and columns of the grid of ``count`` pictures: the peers', of 8 columns."""
    columns = min(count, 8)
    return -(-count // columns), columns


def video_grid(count: int) -> tuple[int, int]:
    """Return the rows and columns of the grid of ``count`` videos: the peers', of 2^n cells.

    There are as many cells as the next power of two, and as many rows as the greatest power of two
    whose square is not above ``count``: 1 x 1, 1 x 2, 1 x 4 (for 3), 2 x 2, 2 x 4, 4 x 4.
    """
    rows = 1 << ((count.bit_length() - 1) // 2)
    return rows, (1 << (count - 1).bit_length()) // rows


def rescaled(sides: tuple[int, int], factor: float) -> tuple[int, int]:
    """Return the height and width of a picture of ``sides``, made larger or smaller.

    Raises:
        ValueError: the factor is not finite, no pixel remains, or there are more than
            RESCALED_PIXELS (and more than before).
    """
    if not isfinite(factor) or factor > RESCALED_PIXELS:
        raise ValueError(f"a picture cannot be made {factor} times as large")
    height, width = int(sides[0] * factor), int(sides[1] * factor)
    if height < 1 or width < 1:
        raise ValueError(f"a picture of {sides[0]} x {sides[1]} times {factor} has no pixels")
    if factor > 1 and height * width > RESCALED_PIXELS:
        raise ValueError(
            f"a picture of {sides[0]} x {sides[1]} times {factor} has more than"
            f" {RESCALED_PIXELS} pixels"
        )
    return height, width
