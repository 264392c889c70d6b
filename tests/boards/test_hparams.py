"""Hyperparameters in a real TensorBoard's table: the routes that its page asks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.board import Board

from .training import METRIC


@pytest.fixture
def experiment(board: Board) -> Any:
    return board.get("plugin/hparams/experiment", request=json.dumps({"experimentName": ""}))


@pytest.fixture
def groups(board: Board) -> dict[str, Any]:
    request = {"allowedStatuses": ["STATUS_SUCCESS"], "startIndex": 0, "sliceSize": 100}
    answer = board.get("plugin/hparams/session_groups", request=json.dumps(request))
    assert answer["totalSize"] == 3
    return {group["name"]: group for group in answer["sessionGroups"]}


def test_the_experiment_has_the_metric_and_typed_hparams(experiment: Any) -> None:
    assert [each["name"]["tag"] for each in experiment["metricInfos"]] == [METRIC]
    types = {each["name"]: each["type"] for each in experiment["hparamInfos"]}
    # TensorBoard takes the experiment of any one run; these all of them have.
    assert types.items() >= {
        ("rate", "DATA_TYPE_FLOAT64"),
        ("flag", "DATA_TYPE_BOOL"),
        ("kind", "DATA_TYPE_STRING"),
        ("sizes", "DATA_TYPE_STRING"),
    }


def test_every_session_is_a_row(groups: dict[str, Any]) -> None:
    assert set(groups) == {"hparams", "hparams/first", "hparams/deep/second"}
    for name, group in groups.items():
        (session,) = group["sessions"]
        assert session["name"] == name
        assert session["status"] == "STATUS_SUCCESS"


def test_values_are_bools_numbers_and_texts(groups: dict[str, Any]) -> None:
    # TensorBoard leaves out what is not a number.
    assert groups["hparams/first"]["hparams"] == {
        "rate": 0.1,
        "flag": True,
        "kind": "adam",
        "sizes": "[64, 64]",
    }
    other = {"rate": 0.2, "flag": False, "kind": "sgd", "sizes": "[8]", "seed": 3.0}
    assert groups["hparams/deep/second"]["hparams"] == other
    assert groups["hparams"]["hparams"] == other


@pytest.mark.parametrize(
    ("name", "value", "step"),
    [("hparams/first", 1.5, 7), ("hparams/deep/second", 2.5, 0), ("hparams", 3.5, 0)],
)
def test_metrics(board: Board, groups: dict[str, Any], name: str, value: float, step: int) -> None:
    (metric,) = groups[name]["metricValues"]
    assert metric["name"] == {"tag": METRIC, "group": ""}
    assert (metric["value"], metric["trainingStep"]) == (value, step)
    assert board.points(name, METRIC) == [(step, value)]
