"""Layouts of charts in a real TensorBoard."""

from __future__ import annotations

from tests.board import Board


def test_the_last_layout_of_each_run_is_shown(board: Board) -> None:
    layout = board.get("plugin/custom_scalars/layout")
    assert [category["title"] for category in layout["category"]] == ["Category", "Other"]
    lines, band = layout["category"][0]["chart"]
    assert (lines["title"], lines["multiline"]) == ("lines", {"tag": ["loss/.*"]})
    series = [{"value": "mid", "lower": "low", "upper": "high"}]
    assert (band["title"], band["margin"]["series"]) == ("band", series)
    (other,) = layout["category"][1]["chart"]
    assert (other["title"], other["margin"]["series"]) == ("band", series)


def test_the_curves_of_a_chart_are_found(board: Board) -> None:
    answer = board.get("plugin/custom_scalars/scalars", run="custom_scalars", tag="loss/.*")
    assert answer["regex_valid"]
    curves = {
        tag: [point[1:] for point in points] for tag, points in answer["tag_to_events"].items()
    }
    assert curves == {"loss/a": [[1, 0.5]], "loss/b": [[1, 0.5]]}
