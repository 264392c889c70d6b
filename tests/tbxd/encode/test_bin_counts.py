"""How many bins each rule makes, beside numpy, and how it is bounded."""

from __future__ import annotations

import sys
import tracemalloc
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tbxd.encode import bin_counts
from tbxd.encode.bin_counts import bins_of
from tbxd_wire.distributions import BINS_MAX, RULES

NDArray = np.ndarray[Any, np.dtype[Any]]
RANDOM = np.random.default_rng(3)
NORMAL = RANDOM.normal(size=2000)


def number(rule: str, values: NDArray) -> int:
    return bins_of(rule, [values], len(values), float(values.min()), float(values.max()))


def test_there_is_a_formula_for_each_rule() -> None:
    assert bin_counts._WIDTHS.keys() == set(RULES)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "values", [NORMAL, NORMAL**3, np.abs(NORMAL[:50]), np.arange(3.0), np.array([1.0, 1.0, 5.0])]
)
def test_numbers_are_numpys(rule: str, values: NDArray) -> None:
    with warnings.catch_warnings():
        # That "stone" may need more bins than it tries.
        warnings.simplefilter("ignore")
        expected = len(np.histogram_bin_edges(values, rule)) - 1
    assert number(rule, values) == expected


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("value", [0.0, 3.0, -1e300, 5e-324])
def test_a_constant_has_one_bin(rule: str, value: float) -> None:
    assert number(rule, np.full(5, value)) == 1
    assert number(rule, np.full(1, value)) == 1


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("scale", [1e100, 1e250, 5e307])
def test_large_values_have_the_bins_of_small_ones(rule: str, scale: float) -> None:
    # Of a power of two, so that nothing is rounded.
    power = 2.0 ** np.floor(np.log2(scale))
    values = NORMAL / 8
    assert number(rule, values * power) == number(rule, values)


@pytest.mark.parametrize("rule", RULES)
def test_an_outlier_makes_no_more_than_the_most_bins(rule: str) -> None:
    for outlier in (1e9, 1e18, 1e300):
        assert 1 <= number(rule, np.append(NORMAL, outlier)) <= BINS_MAX
    assert number("fd", np.append(NORMAL, 1e18)) == BINS_MAX


def test_of_a_large_array_only_the_shape_is_that_of_some(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = {rule: number(rule, NORMAL) for rule in RULES}
    monkeypatch.setattr(bin_counts, "SAMPLE_ELEMENTS", 700)
    for rule in ("rice", "sqrt", "sturges"):
        assert number(rule, NORMAL) == exact[rule]
    for rule in ("auto", "doane", "fd", "scott"):
        assert 0.8 * exact[rule] < number(rule, NORMAL) < 1.25 * exact[rule]


@pytest.mark.parametrize("length", [1, 2, 3, 7, 100])
def test_the_sample_does_not_depend_on_the_chunks(
    length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bin_counts, "SAMPLE_ELEMENTS", 9)
    values = np.arange(31.0)
    parts = [values[start : start + length] for start in range(0, 31, length)]
    assert bin_counts._sample(parts, 31).tolist() == values[::4].tolist()


def test_memory_does_not_grow_with_the_array(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bin_counts, "SAMPLE_ELEMENTS", 1000)
    size, count = 10_000, 200

    def chunks() -> Iterator[NDArray]:
        for _ in range(count):
            yield np.linspace(0, 1, size)

    tracemalloc.start()
    try:
        bins_of("auto", chunks(), size * count, 0.0, 1.0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * size * sys.getsizeof(0.0)
