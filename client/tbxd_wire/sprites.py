"""How the pictures of an embedding lie in one large one, their sprite: one rule for both sides.

They lie row by row from the top left, in as many rows as columns: TensorBoard's projector finds
picture i in column ``i % columns`` and row ``i // rows`` (its vertex shader divides by the number
of rows), which is a place of its own for each only where the two are equal. Unlike for the peers'
square canvas, the pictures need not be square then.
"""

from __future__ import annotations

import math

SPRITE_PIXELS = 8192
"""Largest width and height of a sprite: the projector shows an error for a larger one."""


def columns_of(pictures: int) -> int:
    """Return how many pictures, of one or more, lie side by side, and how many rows there are."""
    return math.isqrt(pictures - 1) + 1


def fits(pictures: int, height: int, width: int) -> bool:
    """Return whether so many pictures, each of so many pixels, make a sprite of allowed size."""
    return columns_of(pictures) * max(height, width) <= SPRITE_PIXELS
