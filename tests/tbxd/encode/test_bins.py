"""Bins as a record asks for them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tbxd.encode import bins
from tbxd.encode.chunks import CHUNK_ELEMENTS
from tbxd.encode.default_bins import EDGES
from tbxd_wire.arrays import Array
from tbxd_wire.distributions import BINS_MAX
from tbxd_wire.errors import RecordError

NDArray = np.ndarray[Any, np.dtype[Any]]


def array_of(values: Any) -> Array:
    elements = np.array(values, np.float64)
    return Array("float64", elements.shape, memoryview(elements.tobytes()))


def counted(values: Any, wanted: Any, max_bins: int | None = None) -> tuple[Any, Any]:
    if isinstance(wanted, list):
        wanted = array_of(wanted)
    found = bins.count(array_of(values), bins.check(wanted), max_bins)
    assert len(found.edges) == len(found.counts) + 1 or not len(found.counts)
    return found.counts.tolist(), found.edges.tolist()


@pytest.mark.parametrize("wanted", ["tensorflow", "auto", 17, [-1, 0, 0.5]])
def test_chunks_are_one_array(wanted: Any) -> None:
    values = np.random.default_rng(4).normal(size=CHUNK_ELEMENTS + 999)
    edges = wanted
    if wanted == "tensorflow":
        edges = EDGES
    counts, limits = np.histogram(values, edges)
    assert counted(values, wanted) == (counts.tolist(), limits.tolist())


@pytest.mark.parametrize("wanted", ["tensorflow", "auto", "stone", 3, [-10, 10]])
def test_what_is_not_finite_is_in_no_bin(wanted: Any) -> None:
    values = [1.0, math.nan, 2.0, math.inf, -math.inf, 4.0]
    assert counted(values, wanted) == counted([1.0, 2.0, 4.0], wanted)
    assert sum(counted([math.nan, math.inf], wanted)[0]) == 0


def test_beyond_the_default_bins_there_is_one_more() -> None:
    counts, edges = counted([1e25, 1e22, 1.0, -1e30], "tensorflow")
    assert (counts[0], counts[-1], sum(counts)) == (1, 2, 4)
    assert (edges[0], edges[-1]) == (-1e30, 1e25)
    assert edges[1:-1] == EDGES.tolist()
    counts, edges = counted([1e25, 1e22, 1.0, -1e30], "tensorflow", 1)
    assert (counts, edges[0], edges[-1]) == ([1, 1, 2], -1e30, 1e25)


@pytest.mark.parametrize(
    ("values", "number"),
    [
        ([1.0, np.nextafter(1.0, 2)], 10),
        ([1e300], 5),
        ([-1e300], 5),
        ([-1.7e308, 1.7e308, 0.0], 4),
        ([1.7976931348623157e308], 2),
        ([-1.7976931348623157e308], 2),
        ([5e-324, 0.0], 3),
        ([5e-324, 1e-323], 3),
        # Five times the smallest number, half of which is none.
        ([0.0, 2.5e-323], 10),
        ([-5e-324, 0.0], 3),
        ([1e16, 1e16 + 2], BINS_MAX),
        ([1e-310, 2e-310], 7),
    ],
)
def test_ranges_that_numpy_refuses(values: list[float], number: int) -> None:
    counts, edges = counted(values, number)
    assert sum(counts) == len(values)
    assert 1 <= len(counts) <= number
    assert edges[0] <= min(values)
    assert max(values) <= edges[-1]
    assert (np.array(edges[:-1]) < np.array(edges[1:])).all()


@pytest.mark.parametrize(
    ("max_bins", "counts", "edges"),
    [
        (None, [1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]),
        (5, [1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]),
        (4, [1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]),
        (2, [3, 7, 5], [0, 2, 4, 5]),
        (1, [15], [0, 5]),
    ],
)
def test_neighbours_are_joined(max_bins: int, counts: list[int], edges: list[float]) -> None:
    values = np.repeat([0.5, 1.5, 2.5, 3.5, 4.5], [1, 2, 3, 4, 5])
    assert counted(values, [0, 1, 2, 3, 4, 5], max_bins) == (counts, edges)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("", "by the name ''"),
        ("tensor", "by the name 'tensor'"),
        (0, "1 to 65536 bins, not 0"),
        (BINS_MAX + 1, "1 to 65536 bins, not 65537"),
        (True, "not bool"),
        (3.0, "not float"),
        (None, "not NoneType"),
        ([], "two or more in a row"),
        ([1.0], "two or more in a row"),
        ([[1.0, 2.0]], "two or more in a row"),
        ([1.0, 0.0], "must rise"),
        ([0.0, math.nan], "must rise"),
        (Array("complex64", (2,), memoryview(bytes(16))), "real numbers"),
        # A shape that numpy does not allow.
        (Array("int8", (0, 1 << 40, 1 << 40), memoryview(b"")), "two or more in a row"),
    ],
)
def test_bins_that_are_refused(wanted: Any, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        bins.check(array_of(wanted) if isinstance(wanted, list) else wanted)
