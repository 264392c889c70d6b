"""How many bins of one width a histogram has, by the name of a rule.

The rules and their formulas are those that ``numpy.histogram_bin_edges`` documents, over the same
float64, so the numbers of bins are the same. Unlike there, work and memory are bounded whatever
the data: an outlier cannot ask for a million million bins, and of a large array the shape (and
only the shape, not how many or how far apart) is found out from evenly spaced elements.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from tbxd_wire.distributions import BINS_MAX

from .arrays import NDArray

SAMPLE_ELEMENTS = 1 << 22
"""Largest number of elements whose shape is found out from all of them: 32 MiB of float64."""

_STONE_ELEMENTS = 1 << 16
"""The same for "stone", which makes as many histograms as the root of the number, or 100."""

_LARGE = 1e100
"""Elements beyond it are measured in units of their size, so that no power of them is too large. No
number of bins depends on the unit."""

_Width = Callable[[NDArray, int, float], float]
"""Takes a sample, the number of all elements and their range; returns a width, 0 for one bin."""


def _sqrt(sample: NDArray, count: int, spread: float) -> float:
    return spread / math.sqrt(count)


def _sturges(sample: NDArray, count: int, spread: float) -> float:
    return float(spread / (np.log2(count) + 1.0))


def _rice(sample: NDArray, count: int, spread: float) -> float:
    return spread / (2.0 * float(count ** (1.0 / 3)))


def _scott(sample: NDArray, count: int, spread: float) -> float:
    return float((24.0 * np.pi**0.5 / count) ** (1.0 / 3.0) * np.std(sample))


def _fd(sample: NDArray, count: int, spread: float) -> float:
    """Freedman and Diaconis."""
    upper, lower = np.percentile(sample, [75, 25])
    return float(2.0 * (upper - lower) * count ** (-1.0 / 3.0))


def _auto(sample: NDArray, count: int, spread: float) -> float:
    """The smaller of "fd" and "sturges", but no more than twice the bins of "sqrt"."""
    relaxed = max(_fd(sample, count, spread), _sqrt(sample, count, spread) / 2)
    return min(relaxed, _sturges(sample, count, spread))


def _doane(sample: NDArray, count: int, spread: float) -> float:
    if count <= 2:
        return 0.0
    deviation = float(np.std(sample))
    if not deviation > 0.0:
        return 0.0
    error = math.sqrt(6.0 * (count - 2) / ((count + 1.0) * (count + 3)))
    skewness = float(np.mean(((sample - np.mean(sample)) / deviation) ** 3))
    return float(spread / (1.0 + np.log2(count) + np.log2(1.0 + abs(skewness) / error)))


def _stone(sample: NDArray, count: int, spread: float) -> float:
    """The number of bins that minimises an estimate of the integrated squared error."""
    sample = _every(sample, _STONE_ELEMENTS)
    size = len(sample)
    low, high = float(sample.min()), float(sample.max())
    if size <= 1 or low == high:
        return 0.0

    def error(bins: int) -> float:
        edges = np.linspace(low, high, bins + 1)
        if np.any(edges[:-1] >= edges[1:]):
            return math.inf
        shares = np.histogram(sample, bins, (low, high))[0] / size
        return float((2 - (size + 1) * shares.dot(shares)) / ((high - low) / bins))

    return spread / min(range(1, max(100, math.isqrt(size)) + 1), key=error)


_WIDTHS: dict[str, _Width] = {
    "auto": _auto,
    "doane": _doane,
    "fd": _fd,
    "rice": _rice,
    "scott": _scott,
    "sqrt": _sqrt,
    "stone": _stone,
    "sturges": _sturges,
}


def bins_of(
    rule: str, chunks: Iterable[NDArray], count: int, minimum: float, maximum: float
) -> int:
    """Return a number of bins, from 1 to BINS_MAX.

    Args:
        rule: one of tbxd_wire.distributions.RULES.
        chunks: all elements, finite float64.
        count: how many there are, at least one.
        minimum, maximum: of them.
    """
    largest = max(-minimum, maximum)
    # A power of two, so that nothing is rounded.
    scale = math.ldexp(0.5, math.frexp(largest)[1]) if largest > _LARGE else 1.0
    spread = maximum / scale - minimum / scale
    with np.errstate(all="ignore"):
        sample = _sample(chunks, count) / scale
        width = _WIDTHS[rule](sample, count, spread)
    if not width > 0.0:
        return 1
    # Elements that are all the same have bins over a range of 1.
    bins = (spread or 1.0) / width
    return max(1, math.ceil(bins)) if bins < BINS_MAX else BINS_MAX


def _sample(chunks: Iterable[NDArray], count: int) -> NDArray:
    """Return at most SAMPLE_ELEMENTS evenly spaced elements."""
    stride = -(-count // SAMPLE_ELEMENTS)
    parts, position = [], 0
    for chunk in chunks:
        # A copy, so that what is left out is not kept.
        parts.append(np.ascontiguousarray(chunk[-position % stride :: stride]))
        position += len(chunk)
    return np.concatenate(parts)


def _every(sample: NDArray, elements: int) -> NDArray:
    """Return at most ``elements`` evenly spaced elements of a sample."""
    return sample[:: -(-len(sample) // elements)]
