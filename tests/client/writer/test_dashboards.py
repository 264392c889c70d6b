"""What the calls for dashboards put into the journal, and what they refuse."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

from tbxd_client import SummaryWriter
from tbxd_wire.kinds import Kind
from tests.client.leftovers import Logged

H = {"rate": 0.1, "flag": True, "sizes": (64, 64), "none": None}
M = {"hp/loss": torch.tensor(0.5)}
LOGGED = [{"rate": 0.1, "flag": True, "sizes": "[64, 64]"}, {"hp/loss": 0.5}]


def test_hparams(writer: SummaryWriter, logged: Logged) -> None:
    before = time.time()
    writer.add_hparams(H, M, {"rate": [0.1, 0.2]}, "trial/7", 3)
    ((kind, tag, step, wall_time, *fields),) = logged()
    assert (kind, tag, step) == (Kind.HPARAMS, "", 3)
    assert before <= wall_time <= time.time()
    assert fields == ["trial/7", *LOGGED, {"rate": [0.1, 0.2]}]


@pytest.mark.parametrize(
    ("call", "sub_run", "step"),
    [
        (lambda w: w.add_hparams(H, M, {}, "a", 5), "a", 5),
        (lambda w: w.add_hparams(H, M, None, "a"), "a", None),
        (lambda w: w.add_hparams(H, M, run_name="a/b", global_step="5"), "a/b", 5),
        (lambda w: w.add_hparams(H, M, name="a", global_step=5), "a", 5),
        (lambda w: w.add_hparams(H, M, run_name="."), "", None),
        (lambda w: w.add_hparams(H, M, name="."), "", None),
        # As tensorboardX has it.
        (lambda w: w.add_hparams(H, M, "a"), "a", None),
        (lambda w: w.add_hparams(H, M, "a", 5), "a", 5),
        (lambda w: w.add_hparams(H, M, "a", torch.tensor(5)), "a", 5),
        (lambda w: w.add_hparams(H, M, "a", global_step=5), "a", 5),
    ],
)
def test_where_a_session_goes(
    writer: SummaryWriter,
    logged: Logged,
    call: Callable[[SummaryWriter], None],
    sub_run: str,
    step: int | None,
) -> None:
    call(writer)
    (record,) = logged()
    assert (record[4], record[2]) == (sub_run, step)
    assert record[5:] == [*LOGGED, {}]


@pytest.mark.parametrize(
    "call",
    [
        lambda w: w.add_hparams(H, M),
        lambda w: w.add_hparams(H, M, None, ""),
        lambda w: w.add_hparams(H, M, name=""),
        lambda w: w.add_hparams(H, M, None, 5),
    ],
)
def test_a_session_without_a_name_is_called_by_the_time(
    writer: SummaryWriter, logged: Logged, call: Callable[[SummaryWriter], None]
) -> None:
    before = time.time()
    call(writer)
    ((_, _, _, _, sub_run, *_),) = logged()
    assert before <= float(sub_run) <= time.time()


def test_use_metadata_reaches_hparams_and_layouts(writer: SummaryWriter, logged: Logged) -> None:
    with writer.use_metadata(global_step=5, walltime=6.0):
        writer.add_hparams(H, M)
        writer.add_custom_scalars({})
    assert [record[2:4] for record in logged()] == [[5, 6.0]] * 2


def test_layouts(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_custom_scalars(
        {
            "first": {"lines": ["Multiline", ["a", "b/.*"]], "band": ("Margin", ("v", "l", "u"))},
            "second": {"lower case": ["multiline", []], "three": ["margin", ["v", "l", "u"]]},
        }
    )
    writer.add_custom_scalars_multilinechart(["a", "b"])
    writer.add_custom_scalars_multilinechart(["a"], "category", "title")
    writer.add_custom_scalars_marginchart(("v", "l", "u"), title="title")
    assert [record[:3] for record in logged()] == [[Kind.CUSTOM_SCALARS, "", None]] * 4
    assert [record[4] for record in logged()] == [
        [
            [
                "first",
                [
                    ["lines", "Multiline", ["a", "b/.*"]],
                    ["band", "Margin", ["v", "l", "u"]],
                ],
            ],
            [
                "second",
                [["lower case", "Multiline", []], ["three", "Margin", ["v", "l", "u"]]],
            ],
        ],
        [["default", [["untitled", "Multiline", ["a", "b"]]]]],
        [["category", [["title", "Multiline", ["a"]]]]],
        [["default", [["title", "Margin", ["v", "l", "u"]]]]],
    ]


def layout(chart: Any) -> Callable[[Any], None]:
    return lambda writer: writer.add_custom_scalars({"good": {}, "bad": {"chart": chart}})


BAD_CALLS: dict[str, tuple[Callable[[Any], None], type[Exception]]] = {
    "hparams": (lambda w: w.add_hparams([("a", 1)], M), TypeError),
    "metrics": (lambda w: w.add_hparams(H, None), TypeError),
    "metric": (lambda w: w.add_hparams(H, {"m": None}), NotImplementedError),
    "metric of words": (lambda w: w.add_hparams(H, {"m": "x"}), TypeError),
    "metric tag": (lambda w: w.add_hparams(H, {1: 1.0}), TypeError),
    "hparam name": (lambda w: w.add_hparams({1: 1}, M), TypeError),
    "huge hparam": (lambda w: w.add_hparams({"a": 10**400}, M), OverflowError),
    "surrogates": (lambda w: w.add_hparams({"a": "\ud800"}, M), ValueError),
    "array": (lambda w: w.add_hparams({"a": torch.zeros(2000)}, M), ValueError),
    "domain": (lambda w: w.add_hparams(H, M, {"rate": [1]}), TypeError),
    "domains": (lambda w: w.add_hparams(H, M, [0.1]), TypeError),
    "step": (lambda w: w.add_hparams(H, M, None, "a", "one"), ValueError),
    "run above": (lambda w: w.add_hparams(H, M, run_name="../a"), ValueError),
    "absolute run": (lambda w: w.add_hparams(H, M, run_name="/a"), ValueError),
    "run of nothing": (lambda w: w.add_hparams(H, M, run_name="a//b"), ValueError),
    "name of no str": (lambda w: w.add_hparams(H, M, name=5), TypeError),
    "two names": (lambda w: w.add_hparams(H, M, None, "a", name="b"), TypeError),
    "two names at once": (lambda w: w.add_hparams(H, M, "a", name="b"), TypeError),
    "two steps": (lambda w: w.add_hparams(H, M, "a", 1, 2), TypeError),
    "no layout": (lambda w: w.add_custom_scalars(["a"]), AttributeError),
    "no category": (lambda w: w.add_custom_scalars({"a": ["Margin"]}), AttributeError),
    "category": (lambda w: w.add_custom_scalars({1: {}}), TypeError),
    "title": (lambda w: w.add_custom_scalars({"a": {1: ["Multiline", []]}}), TypeError),
    "no chart": (layout(None), TypeError),
    "chart of str": (layout("ab"), TypeError),
    "chart of one": (layout(["Margin"]), IndexError),
    "unknown chart": (layout(["Bar", ["a"]]), ValueError),
    "chart of a number": (layout([1, ["a"]]), ValueError),
    "tags of str": (layout(["Multiline", "abc"]), TypeError),
    "tag of a number": (layout(["Multiline", [1]]), TypeError),
    "margin of two": (layout(["Margin", ["a", "b"]]), AssertionError),
    "tags of a number": (lambda w: w.add_custom_scalars_multilinechart(5), TypeError),
    "two tags": (lambda w: w.add_custom_scalars_marginchart(["a", "b"]), AssertionError),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_a_mistake_is_raised_and_nothing_is_logged(
    writer: SummaryWriter, logged: Logged, name: str
) -> None:
    call, error = BAD_CALLS[name]
    writer.add_text("before", "")
    with pytest.raises(error):
        call(writer)
    assert [record[1] for record in logged()] == ["before"]


def test_write_to_disk_false_writes_no_session_either(
    runtime_directory: str, run: str, logged: Logged
) -> None:
    """Both of tensorboardX's methods that make directories of their own forget about it."""
    writer = SummaryWriter(run, write_to_disk=False)
    writer.add_hparams(H, M)
    writer.add_custom_scalars_multilinechart(["a"])
    writer.add_mesh("tag", [[[0.0, 0.0, 0.0]]])
    writer.add_audio("tag", [0.5])
    with pytest.raises(TypeError, match="hparam_dict"):
        writer.add_hparams(None, M)  # type: ignore[arg-type]
    writer.close()
    assert logged() == []
    assert not os.path.exists(run)
