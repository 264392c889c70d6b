from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tbxd.encode import polyline
from tbxd.encode.polyline import POINTS, runs_of

NAN = float("nan")


def test_a_short_curve_stays_as_it_is() -> None:
    x, y = np.array([0.0, 2.0, 1.0]), np.array([3.0, 4.0, 5.0])
    assert runs_of(x, y) == [[(0.0, 3.0), (2.0, 4.0), (1.0, 5.0)]]


def test_a_gap_ends_a_run() -> None:
    x = np.arange(7.0)
    y = np.array([NAN, 1, 2, NAN, NAN, 5, NAN])
    assert runs_of(x, y) == [[(1.0, 1.0), (2.0, 2.0)], [(5.0, 5.0)]]
    assert runs_of(x, np.full(7, NAN)) == []


def test_a_long_curve_keeps_what_is_seen_of_each_column() -> None:
    count = 100_000
    x = np.linspace(0, 99.999, count)
    y = np.random.default_rng(1).normal(size=count)
    (run,) = runs_of(x, y)
    assert len(run) <= 4 * 100
    kept = np.array(run)
    for column in range(100):
        within = np.floor(x) == column
        seen = kept[np.floor(kept[:, 0]) == column, 1]
        assert (seen[0], seen[-1]) == (y[within][0], y[within][-1])
        assert (seen.min(), seen.max()) == (y[within].min(), y[within].max())


def test_a_long_curve_keeps_its_gaps() -> None:
    count = 100_000
    x, y = np.linspace(0, 99.999, count), np.zeros(count)
    y[30_500:52_500] = NAN
    first, second = runs_of(x, y)
    assert (first[0][0], second[-1][0]) == (x[0], x[-1])
    assert (first[-1][0], second[0][0]) == (x[30_499], x[52_500])


def test_a_long_curve_that_goes_back_is_thinned() -> None:
    turn = np.linspace(0, 20, 100_001)
    runs = runs_of(np.sin(turn) * 100, np.cos(turn) * 100)
    assert len(runs) == 1
    assert POINTS // 2 < len(runs[0]) <= POINTS


@given(
    st.lists(st.tuples(st.floats(-50, 50) | st.just(NAN), st.floats(-50, 50) | st.just(NAN))),
    st.booleans(),
    st.integers(1, 20),
)
def test_any_curve_has_few_points_in_order(
    points: list[tuple[float, float]], rising: bool, most: int
) -> None:
    x = np.array([point[0] for point in points], np.float64)
    y = np.array([point[1] for point in points], np.float64)
    if rising:
        x = np.sort(x)
    before, polyline.POINTS = polyline.POINTS, most
    try:
        runs = runs_of(x, y)
    finally:
        polyline.POINTS = before
    there = list(zip(x.tolist(), y.tolist(), strict=True))
    position = 0
    for run in runs:
        assert run
        for point in run:
            # Each is one of the curve's, behind the one before.
            position = there.index(point, position) + 1
    finite = [point for point in there if not np.isnan(point).any()]
    assert bool(runs) <= bool(finite)
    if rising and finite:
        assert (runs[0][0], runs[-1][-1]) == (finite[0], finite[-1])
