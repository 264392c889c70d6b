"""What there is to say of an array's elements beside where they lie: how many, how large."""

from __future__ import annotations

import math

import numpy as np

from tbxd_wire.arrays import Array

from .arrays import NDArray
from .chunks import float_chunks

_SAFE_SQUARES = 1e-250
"""A sum of squares below it may have lost elements whose squares are no float64."""


class Moments:
    """Sums over the finite elements, chunk by chunk; the others are counted apart.

    Attributes:
        count: finite elements.
        minimum, maximum: of them; 0 if there are none.
        total, squares: the sum of them and of their squares; infinite beyond a float64.
        nans, infinities: the other elements.
    """

    __slots__ = ("count", "infinities", "maximum", "minimum", "nans", "squares", "total")

    def __init__(self) -> None:
        self.count = 0
        self.minimum = self.maximum = 0.0
        self.total = self.squares = 0.0
        self.nans = self.infinities = 0

    def add(self, chunk: NDArray) -> NDArray:
        """Take one chunk of float64 in, and return its finite elements."""
        found = finite(chunk)
        if len(found) < len(chunk):
            nans = int(np.count_nonzero(np.isnan(chunk)))
            self.nans += nans
            self.infinities += len(chunk) - len(found) - nans
        if not len(found):
            return found
        least, greatest = float(found.min()), float(found.max())
        first = not self.count
        self.minimum = least if first else min(self.minimum, least)
        self.maximum = greatest if first else max(self.maximum, greatest)
        self.count += len(found)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            self.total += float(found.sum())
            self.squares += float(found.dot(found))
        return found


def finite(chunk: NDArray) -> NDArray:
    """Return the finite elements of a chunk of float64."""
    is_finite = np.isfinite(chunk)
    return chunk if is_finite.all() else chunk[is_finite]


def norm(array: Array, moments: Moments) -> float:
    """Return the Euclidean norm of all elements: NaN if one of them is, else infinite if one is.

    Args:
        array: real numbers.
        moments: of all of them.
    """
    if moments.nans:
        return math.nan
    if moments.infinities:
        return math.inf
    scale = max(-moments.minimum, moments.maximum)
    if not scale or (math.isfinite(moments.squares) and moments.squares > _SAFE_SQUARES):
        return math.sqrt(moments.squares)
    # Squares beyond what a float64 holds: measured in units of the largest element they are not.
    squares = 0.0
    with np.errstate(under="ignore"):
        for chunk in float_chunks(array):
            chunk /= scale
            squares += float(chunk.dot(chunk))
    return math.sqrt(squares) * scale
