"""Counting by the leading bits, beside counting by sorting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd.encode import default_bins
from tbxd.encode.default_bins import EDGES, count

NDArray = np.ndarray[Any, np.dtype[Any]]


def neighbours(values: NDArray) -> NDArray:
    """Return each value and the numbers just below and above it."""
    return np.concatenate(
        (values, np.nextafter(values, -np.inf), np.nextafter(values, np.inf), -values)
    )


def expected(values: NDArray) -> list[int]:
    below, above = (values < EDGES[0]).sum(), (values > EDGES[-1]).sum()
    return [below, *np.histogram(values, EDGES)[0], above]


VALUES = {
    "edges": neighbours(EDGES),
    "zeros": np.array([0.0, -0.0, 5e-324, -5e-324, 2.3e-308]),
    # The first and the last number of each set of leading bits.
    "codes": neighbours(
        (np.arange(1 << 15, dtype=np.uint64) << np.uint64(48)).view(np.float64)[:0x7FF0]
    ),
    "normal": np.random.default_rng(1).normal(size=10_000),
    "of all sizes": 10.0 ** np.random.default_rng(2).uniform(-320, 308, 10_000),
    "largest": np.array([1.7e308, -1.7e308, 1e20, -1e20]),
    "none": np.zeros(0),
}


@pytest.mark.parametrize("name", VALUES)
def test_counts_are_numpys(name: str) -> None:
    with np.errstate(over="ignore"):
        singles = VALUES[name].astype(np.float32).astype(np.float64)
    for values in (VALUES[name], singles):
        chunk = values[np.isfinite(values)]
        assert count(chunk).tolist() == expected(chunk)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20))
def test_any_counts_are_numpys(values: list[float]) -> None:
    chunk = np.array(values, np.float64)
    assert count(chunk).tolist() == expected(chunk)


def test_at_most_one_edge_lies_among_the_numbers_of_a_code() -> None:
    """What the method rests on."""
    codes = EDGES.view(np.uint64) >> np.uint64(48)
    # 0.0 is the first number of its code; the codes of all other edges are different from it.
    assert len(np.unique(codes)) == len(EDGES)


def test_the_edges_cannot_be_changed_by_accident() -> None:
    assert (len(EDGES), EDGES[0], EDGES[774]) == (1549, -EDGES[-1], 0.0)
    with pytest.raises(ValueError, match="read-only"):
        default_bins.EDGES[0] = 0
