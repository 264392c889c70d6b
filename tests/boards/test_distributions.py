"""Histograms and PR curves in a real TensorBoard."""

from __future__ import annotations

from typing import Any

import pytest

from tests.board import Board

from .training import ROWS, VALUES

RUN = "distributions"
TAGS = {"equal", "default", "diverging", "empty", "raw", "gradients/weight"}


def buckets(board: Board, tag: str) -> list[list[float]]:
    """Return ``[left, right, count]`` of each bucket of the one histogram of a tag."""
    ((_, step, found),) = board.get("plugin/histograms/histograms", run=RUN, tag=tag)
    assert step == 1
    rows: list[list[float]] = found
    return rows


def filled(board: Board, tag: str) -> list[list[float]]:
    return [row for row in buckets(board, tag) if row[2]]


def test_every_histogram_is_there(board: Board) -> None:
    tags = board.get("plugin/histograms/tags")[RUN]
    assert set(tags) == TAGS


def test_a_histogram(board: Board) -> None:
    # The data server shows the empty bucket at the left, the other loader does not.
    assert buckets(board, "equal")[-4:] == [[-1, 1, 3], [1, 3, 1], [3, 5, 0], [5, 7, 1]]


def test_its_distribution_over_time(board: Board) -> None:
    assert set(board.get("plugin/distributions/tags")[RUN]) == TAGS
    ((_, step, found),) = board.get("plugin/distributions/distributions", run=RUN, tag="equal")
    assert step == 1
    shares, values = zip(*found, strict=True)
    # TensorBoard's own: the least, three standard deviations either way, the median, the most.
    assert shares == (0, 668, 1587, 3085, 5000, 6915, 8413, 9332, 10000)
    assert (values[0], values[4], values[-1]) == (-1, pytest.approx(2 / 3), 7)


def test_default_bins(board: Board) -> None:
    found = filled(board, "default")
    assert [row[2] for row in found] == [1, 2, 1, 1]
    assert found[1][0] == 0
    for row, value in zip(found, sorted(set(VALUES)), strict=True):
        assert row[0] <= value <= row[1]


def test_what_diverges_is_shown(board: Board) -> None:
    found = filled(board, "diverging")
    assert [row[2] for row in found] == [1, 1]
    assert found[0][0] == pytest.approx(-1e30)
    assert board.points(RUN, "diverging/nan") == [(1, 2)]
    assert board.points(RUN, "diverging/inf") == [(1, 1)]
    assert buckets(board, "empty") == []
    assert board.points(RUN, "empty/nan") == [(1, 1)]


def test_a_histogram_that_was_counted_already(board: Board) -> None:
    # The left edge of the first is the minimum to one loader, the edge before to the other.
    assert [row[1:] for row in filled(board, "raw")] == [[2, 3], [3, 4]]


def test_a_gradient_and_its_norm(board: Board) -> None:
    assert [row[2] for row in filled(board, "gradients/weight")] == [1, 1, 1]
    assert board.points(RUN, "gradients/weight/norm") == [(1, 5)]


def curve(board: Board, tag: str) -> Any:
    (found,) = board.get("plugin/pr_curves/pr_curves", run=RUN, tag=tag)[RUN]
    assert found["step"] == 1
    return found


def test_curves(board: Board) -> None:
    counted = curve(board, "curve")
    assert counted["thresholds"] == [0, 0.5, 1]
    assert counted["true_positives"] == [3, 2, 1]
    assert counted["false_positives"] == [1, 1, 0]
    raw = curve(board, "raw curve")
    assert raw["thresholds"] == [0, 1]
    assert (raw["precision"], raw["recall"]) == (ROWS[4], ROWS[5])
