"""Sums over chunks, and the norm where squares are too large or too small."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd.encode.chunks import float_chunks
from tbxd.encode.moments import Moments, norm
from tbxd_wire.arrays import Array


def array_of(values: Any) -> Array:
    elements = np.array(values, np.float64)
    return Array("float64", elements.shape, memoryview(elements.tobytes()))


def moments_of(array: Array, elements: int) -> Moments:
    moments = Moments()
    for chunk in float_chunks(array, elements):
        moments.add(chunk)
    return moments


def test_sums_of_several_chunks() -> None:
    moments = moments_of(array_of([3.0, 1.0, -2.0, 0.5, 4.0]), 2)
    assert (moments.count, moments.minimum, moments.maximum) == (5, -2.0, 4.0)
    assert (moments.total, moments.squares) == (6.5, 30.25)
    assert (moments.nans, moments.infinities) == (0, 0)


@pytest.mark.parametrize("elements", [1, 2, 7])
def test_what_is_not_finite_is_counted_apart(elements: int) -> None:
    values = [math.nan, 2.0, math.inf, math.nan, 5.0, -math.inf, math.inf]
    moments = moments_of(array_of(values), elements)
    assert (moments.count, moments.nans, moments.infinities) == (2, 2, 3)
    # A first chunk without finite elements must not make the minimum 0.
    assert (moments.minimum, moments.maximum, moments.total, moments.squares) == (2, 5, 7, 29)


def test_the_finite_elements_are_returned() -> None:
    chunk = np.array([1.0, math.nan, -math.inf, 2.0])
    np.testing.assert_array_equal(Moments().add(chunk), [1.0, 2.0])
    whole = np.array([1.0, 2.0])
    assert Moments().add(whole) is whole


def test_sums_beyond_a_float64() -> None:
    moments = moments_of(array_of([1.7e308, 1.7e308]), 1)
    assert (moments.total, moments.squares) == (math.inf, math.inf)


def test_of_nothing() -> None:
    moments = moments_of(array_of([math.nan]), 1)
    assert (moments.count, moments.minimum, moments.maximum, moments.total) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0, -4.0], 5.0),
        ([0.0, -0.0], 0.0),
        ([3e200, 4e200], 5e200),
        ([-3e-200, 4e-200], 5e-200),
        ([5e-324, 0.0], 5e-324),
        ([1.0, math.nan, math.inf], math.nan),
        ([1.0, -math.inf], math.inf),
        ([1.7e308, 1.7e308], math.inf),
    ],
)
def test_norms(values: list[float], expected: float) -> None:
    array = array_of(values)
    assert norm(array, moments_of(array, 1)) == pytest.approx(expected, rel=1e-15, nan_ok=True)


@given(st.lists(st.floats(-1e150, 1e150), min_size=1, max_size=30))
def test_any_norm_is_that_of_the_standard_library(values: list[float]) -> None:
    array = array_of(values)
    assert norm(array, moments_of(array, 8)) == pytest.approx(math.hypot(*values), rel=1e-14)
