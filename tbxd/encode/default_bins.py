"""The bins that are meant by "tensorflow": the peers' default, counted twelve times as fast.

Both peers count with ``numpy.histogram``, which sorts: 40 ms for 1 Mi elements. Here an element's
bin is looked up by the 16 leading bits of its float64: sign, exponent and four bits of the
mantissa. All numbers that share them differ by less than a sixteenth, neighbouring edges by a
tenth, so at most one edge lies among them, and one comparison with it makes the bin exact: 4 ms.
Nearly all of that is spent inside numpy with the interpreter lock released.
"""

from __future__ import annotations

import sys
from typing import Final

import numpy as np

from .arrays import NDArray

_FIRST = 1e-12
_LAST = 1e20
_GROWTH = 1.1
_CODE_BITS = 16
_REST_BITS = 64 - _CODE_BITS
_CODE_AT = 3 if sys.byteorder == "little" else 0
"""Which of the four 16-bit words of a float64 is the leading one."""


def _edges() -> NDArray:
    """Return the edges as both peers have them: multiplied up one by one, mirrored, 0 between."""
    positive = []
    edge = _FIRST
    while edge < _LAST:
        positive.append(edge)
        edge *= _GROWTH
    return np.array([-edge for edge in reversed(positive)] + [0.0] + positive)


EDGES: Final = _edges()
"""1,549 edges from -1e20 to 1e20, the last one belongs to the last bin."""
EDGES.flags.writeable = False


def _lookup() -> tuple[NDArray, NDArray]:
    """Return, for each code, the bin below the edge among its numbers, and that edge.

    A code without an edge has an infinite one. Bin 0 is below all edges.
    """
    bounds = EDGES.copy()
    bounds[-1] = np.nextafter(bounds[-1], np.inf)
    codes = np.arange(1 << _CODE_BITS, dtype=np.uint64) << np.uint64(_REST_BITS)
    ends = codes | np.uint64((1 << _REST_BITS) - 1)
    one, other = codes.view(np.float64), ends.view(np.float64)
    # Negative numbers fall as their bits rise. NaNs are among the codes, never among the elements.
    with np.errstate(invalid="ignore"):
        least, greatest = np.fmin(one, other), np.fmax(one, other)
    below = np.searchsorted(bounds, least, "right")
    above = np.searchsorted(bounds, greatest, "right")
    edge = np.where(above > below, bounds[np.minimum(below, len(bounds) - 1)], np.inf)
    return below.astype(np.intp), edge


_BELOW, _EDGE = _lookup()


def count(chunk: NDArray) -> NDArray:
    """Return how many elements lie below all edges, in each of the bins, and above all edges.

    Args:
        chunk: finite float64, contiguous.
    """
    codes = chunk.view(np.uint16)[_CODE_AT::4].astype(np.intp)
    # A code is always within the tables; "clip" spares numpy the proof.
    bins = _BELOW.take(codes, mode="clip")
    bins += chunk >= _EDGE.take(codes, mode="clip")
    return np.bincount(bins, minlength=len(EDGES) + 1)
