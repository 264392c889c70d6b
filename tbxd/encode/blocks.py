"""A large matrix as the means of its blocks."""

from __future__ import annotations

import numpy as np

from .arrays import NDArray


def means(matrix: NDArray, most: int) -> NDArray:
    """Return a matrix of at most ``most`` rows and columns: float64.

    Args:
        matrix: real numbers, of shape (rows, columns), not empty. NaN is left out of the means; a
            block of nothing else is NaN.

    Takes little memory beside the matrix: it goes through it a row of blocks at a time.
    """
    rows, columns = (min(extent, most) for extent in matrix.shape)
    if (rows, columns) == matrix.shape:
        with np.errstate(invalid="ignore"):
            return matrix.astype(np.float64)
    result = np.empty((rows, columns))
    starts = np.arange(columns) * matrix.shape[1] // columns
    bounds = np.arange(rows + 1) * matrix.shape[0] // rows
    with np.errstate(all="ignore"):
        for row in range(rows):
            band = matrix[bounds[row] : bounds[row + 1]].astype(np.float64)
            there = ~np.isnan(band)
            total = np.add.reduceat(np.where(there, band, 0.0).sum(axis=0), starts)
            result[row] = total / np.add.reduceat(there.sum(axis=0), starts)
    return result
