"""The bins of a histogram, as a record asks for them, and how many elements lie in each.

A record names the bins in one of four ways: "tensorflow" (tbxd.encode.default_bins), the name of a
rule (tbxd.encode.bin_counts), how many of one width, or their edges. All but the last count every
finite element. Elements outside of given edges are in no bin, as numpy has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tbxd_wire.arrays import Array
from tbxd_wire.distributions import BINS_MAX, DEFAULT_BINS, RULES
from tbxd_wire.errors import RecordError

from . import bin_counts, default_bins
from .arrays import NDArray, floats_of_array
from .chunks import float_chunks
from .moments import Moments, finite


@dataclass(frozen=True, slots=True)
class Counted:
    """Bins of a whole array."""

    moments: Moments
    counts: NDArray
    """int64, elements in each bin."""
    edges: NDArray
    """float64, rising; one more than there are bins."""


def check(bins: Any) -> str | int | NDArray:
    """Return a record's field that says which bins it wants, with edges as float64.

    Raises:
        RecordError: an unknown name, a number outside 1 to BINS_MAX, edges that are not two or
            more rising numbers in one dimension.
    """
    if type(bins) is str:
        if bins != DEFAULT_BINS and bins not in RULES:
            raise RecordError(f"no bins are known by the name {bins!r:.40}")
        return bins
    if type(bins) is int:
        if not 1 <= bins <= BINS_MAX:
            raise RecordError(f"a histogram has 1 to {BINS_MAX} bins, not {bins}")
        return bins
    if type(bins) is not Array:
        raise RecordError(f"bins must be a name, a number or edges, not {type(bins).__name__}")
    if len(bins.shape) != 1 or bins.shape[0] < 2:
        raise RecordError(f"edges of bins must be two or more in a row, not of shape {bins.shape}")
    edges = floats_of_array(bins, "edges of bins")
    # Written so that a NaN fails too.
    if not (edges[:-1] <= edges[1:]).all():
        raise RecordError("edges of bins must rise")
    return edges


def count(values: Array, bins: str | int | NDArray, max_bins: int | None) -> Counted:
    """Return the bins of all finite elements.

    Args:
        values: real numbers.
        bins: as :func:`check` returns them.
        max_bins: neighbouring bins are joined, equally many each, if there are more than this.
            (As in both peers, what is left of the division makes it a little more than that.)
    """
    if isinstance(bins, np.ndarray):
        return _in_edges(values, bins, max_bins)
    if bins == DEFAULT_BINS:
        return _in_default_bins(values, max_bins)
    return _in_equal_bins(values, bins, max_bins)


def _in_edges(values: Array, edges: NDArray, max_bins: int | None) -> Counted:
    moments = Moments()
    counts = _sum(edges, lambda chunk: np.histogram(chunk, edges)[0], _added(values, moments))
    return Counted(moments, *_joined(counts, edges, max_bins))


def _in_default_bins(values: Array, max_bins: int | None) -> Counted:
    """Count in the default bins, and in one more at an end where elements lie outside of them.

    The peers lose those elements; a training that diverges is where one wants to see them.
    """
    moments = Moments()
    counts = np.zeros(len(default_bins.EDGES) + 1, np.int64)
    for chunk in _added(values, moments):
        counts += default_bins.count(chunk)
    below, above = counts[0], counts[-1]
    counts, edges = _joined(counts[1:-1], default_bins.EDGES, max_bins)
    if below:
        counts = np.concatenate(([below], counts))
        edges = np.concatenate(([moments.minimum], edges))
    if above:
        counts = np.concatenate((counts, [above]))
        edges = np.concatenate((edges, [moments.maximum]))
    return Counted(moments, counts, edges)


def _in_equal_bins(values: Array, bins: str | int, max_bins: int | None) -> Counted:
    moments = Moments()
    for _ in _added(values, moments):
        pass
    if not moments.count:
        return Counted(moments, np.zeros(0, np.int64), np.zeros(0))
    low, high = moments.minimum, moments.maximum
    if isinstance(bins, str):
        bins = bin_counts.bins_of(bins, _finite_chunks(values), moments.count, low, high)
    number = bins
    if low == high:
        low, high = low - 0.5, high + 0.5
    with np.errstate(over="ignore", invalid="ignore"):
        edges = np.linspace(low, high, number + 1)
    if math.isfinite(high - low) and (edges[:-1] < edges[1:]).all():
        counts = _sum(
            edges,
            lambda chunk: np.histogram(chunk, number, (low, high))[0],
            _finite_chunks(values),
        )
    else:
        edges = _few_edges(low, high, number)
        counts = _sum(edges, lambda chunk: np.histogram(chunk, edges)[0], _finite_chunks(values))
    return Counted(moments, *_joined(counts, edges, max_bins))


def _few_edges(low: float, high: float, bins: int) -> NDArray:
    """Return edges for a range that numpy refuses: wider than a float64, or hardly wider than one.

    There are fewer bins if there are not as many numbers to be their edges.
    """
    edges = np.unique(np.clip(np.linspace(low / 2, high / 2, bins + 1) * 2, low, high))
    if len(edges) > 1:
        edges[0], edges[-1] = low, high
        return edges
    # So large that 0.5 more or less is the same number.
    wider = [low, math.nextafter(high, math.inf)] if low < 0 else [math.nextafter(low, 0), high]
    return np.array(wider)


def _added(values: Array, moments: Moments) -> Iterator[NDArray]:
    """Yield the finite elements, chunk by chunk, and take them into ``moments``."""
    for chunk in float_chunks(values):
        yield moments.add(chunk)


def _finite_chunks(values: Array) -> Iterator[NDArray]:
    for chunk in float_chunks(values):
        yield finite(chunk)


def _sum(
    edges: NDArray, counted: Callable[[NDArray], NDArray], chunks: Iterator[NDArray]
) -> NDArray:
    counts = np.zeros(len(edges) - 1, np.int64)
    for chunk in chunks:
        counts += counted(chunk)
    return counts


def _joined(counts: NDArray, edges: NDArray, max_bins: int | None) -> tuple[NDArray, NDArray]:
    """Return counts and edges with as many neighbours joined as ``max_bins`` goes into them."""
    if max_bins is None or len(counts) <= max_bins:
        return counts, edges
    together = len(counts) // max_bins
    starts = np.arange(0, len(counts), together)
    return np.add.reduceat(counts, starts), np.append(edges[:-1][starts], edges[-1])
