"""The points of a curve as the few that a picture can show.

A curve of a million points has a thousand in each column of pixels. Of a curve that runs from left
to right four are kept in each column: the first, the lowest, the highest, the last; what is drawn
is the same. Of any other long curve every k-th point is kept.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .arrays import NDArray

POINTS = 8192
"""A curve of so many points is drawn as it is; a longer one that does not run from left to right
is thinned to so many."""

Run = list[tuple[float, float]]


def runs_of(x: NDArray, y: NDArray) -> list[Run]:
    """Return the runs of a curve between its gaps, each a list of points to be joined.

    Args:
        x, y: pixels, float64 of one shape (n,). A point that is not finite is a gap.
    """
    kept = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    apart = 1
    if len(x) > POINTS:
        if np.all(np.diff(x[kept]) >= 0):
            starts, kept = _by_columns(x, y, kept)
            return _split(x, y, kept, starts)
        apart = -(-len(x) // POINTS)
        kept = kept[kept % apart == 0]
    starts = np.diff(kept, prepend=-2 * apart) > apart
    return _split(x, y, kept, starts)


def _by_columns(x: NDArray, y: NDArray, finite: NDArray) -> tuple[NDArray, NDArray]:
    """Return the numbers of the points that are kept, and which of them begin a run.

    ``finite`` are the numbers of the points that there are; between two that do not follow each
    other is a gap. Gaps within a column are not seen.
    """
    if not len(finite):
        return np.zeros(0, bool), finite
    column = np.floor(x[finite])
    first = np.flatnonzero(np.diff(column, prepend=column[0] - 1))
    last = np.append(first[1:], len(finite)) - 1
    heights = y[finite]
    lowest = np.minimum.reduceat(heights, first)
    highest = np.maximum.reduceat(heights, first)
    which = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(finite))))
    positions = np.arange(len(finite))
    nowhere = len(finite)
    at_lowest = np.minimum.reduceat(np.where(heights == lowest[which], positions, nowhere), first)
    at_highest = np.minimum.reduceat(np.where(heights == highest[which], positions, nowhere), first)
    chosen = np.unique(np.concatenate([first, at_lowest, at_highest, last]))
    begins = np.zeros(len(finite), bool)
    begins[0] = True
    # The first point of a column follows the last one of the column before, or there is a gap.
    begins[first[1:]] = finite[first[1:]] - finite[last[:-1]] > 1
    return begins[chosen], finite[chosen]


def _split(x: NDArray, y: NDArray, kept: NDArray, starts: NDArray) -> list[Run]:
    points = list(zip(x[kept].tolist(), y[kept].tolist(), strict=True))
    cuts = [*np.flatnonzero(starts).tolist(), len(points)]
    return [points[cut:following] for cut, following in pairwise(cuts)]
