from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tbxd.encode import axis


def labels(*numbers: float, most: int = 5) -> tuple[str, ...]:
    return axis.of(np.array(numbers, np.float64), most).labels


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, ("0", "0.2", "0.4", "0.6", "0.8", "1.0")),
        (-3, 8, ("0", "5")),
        (0, 100, ("0", "20", "40", "60", "80", "100")),
        (0, 3e6, ("0", "1e6", "2e6", "3e6")),
        (0, 2.5e-7, ("0", "5e-8", "1e-7", "1.5e-7", "2e-7", "2.5e-7")),
        (1234, 1236, ("1234.0", "1234.5", "1235.0", "1235.5", "1236.0")),
        (-1e300, 1e300, ("-1e300", "-5e299", "0", "5e299", "1e300")),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: tuple[str, ...]) -> None:
    assert labels(low, high) == expected


def test_what_is_not_finite_does_not_count() -> None:
    assert labels(0, np.nan, np.inf, -np.inf, 1) == labels(0, 1)
    assert labels(np.nan) == labels(0, 1)


def test_one_number_is_in_the_middle() -> None:
    for number in (7.0, -7.0, 0.0, 1e-300, 1e250):
        shown = axis.of(np.array([number]), 5)
        assert shown.shares(np.array([number]))[0] == pytest.approx(0.5)


def test_a_margin_leaves_room() -> None:
    shown = axis.of(np.array([0.0, 1.0]), 5, 0.1)
    assert shown.low == pytest.approx(-0.1)
    assert shown.high == pytest.approx(1.1)
    assert shown.labels[-1] == "1.0"


numbers = st.floats() | st.sampled_from(
    [0.0, -0.0, 5e-324, 1e-290, 1e300, 1.8e308, -1.8e308, 1e9, 1e9 + 1, 1.0, 1.0 + 1e-15]
)


@given(st.lists(numbers, max_size=5), st.integers(2, 10), st.sampled_from([0.0, 0.02, 0.05]))
@example([1.0, 1.0 + 1e-15], 5, 0.0)
@example([1e9, 1e9 + 1500], 5, 0.0)
@example([5e-324, 1e-323], 8, 0.02)
@example([2.2346728853646504e-144], 2, 0.0)
def test_any_numbers_have_an_axis(found: list[float], most: int, margin: float) -> None:
    shown = axis.of(np.array(found, np.float64), most, margin)
    assert -np.inf < shown.low < shown.high < np.inf
    assert 1 <= len(shown.ticks) <= most + 1
    assert len(set(shown.labels)) == len(shown.labels) == len(shown.ticks)
    assert max(map(len, shown.labels)) <= 16
    assert list(shown.ticks) == sorted(shown.ticks)
    shares = shown.shares(np.array(shown.ticks))
    assert ((shares >= -1e-9) & (shares <= 1 + 1e-9)).all()
    for tick, label in zip(shown.ticks, shown.labels, strict=True):
        assert float(label) == pytest.approx(tick, abs=(shown.high - shown.low) * 1e-3)
