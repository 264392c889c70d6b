"""The pictures of an embedding as one large one, a PNG: what the projector cuts them out of."""

from __future__ import annotations

import numpy as np

from tbxd_wire import sprites
from tbxd_wire.arrays import Array
from tbxd_wire.errors import RecordError

from .arrays import NDArray, numpy_of
from .png import encode

_CHANNELS = (1, 3, 4)
_WHITE = 255


def check(pictures: Array, points: int) -> None:
    """Refuse what is no picture for each of ``points`` points.

    Raises:
        RecordError: not of shape (points, channels, height, width) with 1, 3 or 4 channels, of
            complex numbers, or a sprite larger than allowed.
    """
    shape = pictures.shape
    if len(shape) != 4 or 0 in shape or shape[0] != points or shape[1] not in _CHANNELS:
        raise RecordError(
            f"the pictures of an embedding of {points} points must have the shape"
            f" ({points}, 1 or 3 or 4, height, width), not {shape}"
        )
    if pictures.dtype.startswith("complex"):
        raise RecordError(f"the pictures of an embedding must be real, not {pictures.dtype}")
    if not sprites.fits(points, *shape[2:]):
        raise RecordError(
            f"{points} pictures of {shape[2]} x {shape[3]} pixels make a sprite larger than"
            f" {sprites.SPRITE_PIXELS} pixels"
        )


def png(pictures: Array) -> bytes:
    """Return the sprite of pictures that :func:`check` has accepted.

    It has at most twice as many pixels as the pictures together (four times for one to three of
    them); what no picture covers is black.
    """
    given = numpy_of(pictures, "pictures")
    count, channels, height, width = given.shape
    columns = sprites.columns_of(count)
    canvas = np.zeros((columns * height, columns * width, channels), np.uint8)
    # A row at a time, so that no copy of all pictures in another dtype is ever made.
    for row in range(columns):
        shown = _pixels(given[row * columns : (row + 1) * columns])
        across = shown.transpose(2, 0, 3, 1).reshape(height, len(shown) * width, channels)
        canvas[row * height : (row + 1) * height, : len(shown) * width] = across
    return encode(canvas)


def _pixels(pictures: NDArray) -> NDArray:
    """Return bytes: those of uint8, else 0 to 1 as 0 to 255, rounded down as both peers do."""
    if pictures.dtype == np.uint8:
        return pictures
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.clip(pictures.astype(np.float64) * _WHITE, 0, _WHITE)
    return np.nan_to_num(scaled, copy=False).astype(np.uint8)
