"""Hyperparameters and layouts of charts: both peers beside ours, call by call."""

from __future__ import annotations

import enum
import inspect
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2

from tbxd_client import SummaryWriter
from tests.client.leftovers import Logged

from .events import PEERS, TENSORBOARDX, TORCH, Events, ours, theirs, values_of

M = {"hp/loss": 0.5}


class Name(enum.StrEnum):
    ADAM = "adam"


def activation() -> None: ...


def session_of(events: Events | type[Exception]) -> Any:
    """Return what the hparams plugin finds, as plain values; an exception as it is.

    Each number is shown with ``repr``, so that NaN is equal to itself.
    """
    if isinstance(events, type):
        return events
    ((place, found),) = events.items()
    session: dict[str, Any] = {"place": place, "metrics": []}
    for step, value in values_of(found):
        plugin = value.metadata.plugin_data
        if not plugin.plugin_name:
            session["metrics"].append((value.tag, step, repr(value.simple_value)))
            continue
        content = plugin_data_pb2.HParamsPluginData.FromString(plugin.content)
        assert value.tag == f"_hparams_/{content.WhichOneof('data')}"
        assert content.version == 0
        if content.HasField("experiment"):
            session["infos"] = {
                each.name: (api_pb2.DataType.Name(each.type), str(each.domain_discrete))
                for each in content.experiment.hparam_infos
            }
            session["metric infos"] = [
                (each.name.group, each.name.tag) for each in content.experiment.metric_infos
            ]
        elif content.HasField("session_start_info"):
            session["values"] = {
                name: repr(getattr(each, each.WhichOneof("kind")))
                for name, each in content.session_start_info.hparams.items()
            }
            session["start"] = content.session_start_info.start_time_secs
        else:
            session["end"] = str(content.session_end_info)
    return session


CASES: dict[str, tuple[Any, Any, Any]] = {
    "float": ({"a": 0.1}, M, None),
    "int": ({"a": 3}, M, None),
    "bool": ({"a": True, "b": False}, M, None),
    "str": ({"a": "adam", "ü": "é"}, M, None),
    "str of an enumeration": ({"a": Name.ADAM}, M, None),
    "None": ({"a": None, "b": 1}, M, None),
    "not finite": ({"a": float("nan"), "b": float("inf")}, M, None),
    "callable": ({"a": activation}, M, None),
    "numpy float64": ({"a": np.float64(0.5)}, M, None),
    "numpy float32": ({"a": np.float32(0.5)}, M, None),
    "numpy int": ({"a": np.int64(3)}, M, None),
    "numpy bool": ({"a": np.True_}, M, None),
    "tensor": ({"a": torch.tensor(0.5)}, M, None),
    "tensor of one": ({"a": torch.tensor([0.5])}, M, None),
    "tensor of two": ({"a": torch.tensor([0.5, 1.0])}, M, None),
    "list": ({"a": [64, 64]}, M, None),
    "tuple": ({"a": (64, 64)}, M, None),
    "mapping": ({"a": {"b": 1}}, M, None),
    "path": ({"a": Path("/data")}, M, None),
    "huge int": ({"a": 10**400}, M, None),
    "nothing": ({}, {}, None),
    "no metrics": ({"a": 1}, {}, None),
    "metrics": ({"a": 1}, {"x": torch.tensor(1.0), "y": np.float32(2), "z": float("nan")}, None),
    "metric of two": ({"a": 1}, {"x": torch.zeros(2)}, None),
    "metric of None": ({"a": 1}, {"x": None}, None),
    "metric with signs": ({"a": 1}, {"hp loss": 0.5}, None),
    "name of no str": ({1: 1}, M, None),
    "no dictionary": ([("a", 1)], M, None),
    "ordered dictionary": (OrderedDict(a=1), M, None),
    "step": ({"a": 1}, M, 7),
    "negative step": ({"a": 1}, M, -7),
    "step of a float": ({"a": 1}, M, 7.9),
}

# One reason for each; what stands here is checked to be a difference, too.
LOST = "the peer writes such a value as one of no type and without a value"
REFUSED = "the peer raises; here it becomes a number or a text"
EXACT = "the peer takes subclasses of dict for mistakes"
DIFFERENCES: dict[tuple[str, str], str] = {
    (TORCH, "bool"): "a bool is an int to torch, and so a number",
    (TORCH, "callable"): REFUSED,
    (TORCH, "numpy float32"): REFUSED,
    (TORCH, "numpy int"): REFUSED,
    (TORCH, "numpy bool"): REFUSED,
    (TORCH, "list"): REFUSED,
    (TORCH, "tuple"): REFUSED,
    (TORCH, "mapping"): REFUSED,
    (TORCH, "path"): REFUSED,
    (TORCH, "tensor"): "torch indexes a tensor that has no dimensions",
    (TORCH, "tensor of two"): "torch logs the first element",
    (TORCH, "ordered dictionary"): EXACT,
    (TENSORBOARDX, "numpy float32"): LOST,
    (TENSORBOARDX, "numpy int"): LOST,
    (TENSORBOARDX, "numpy bool"): LOST,
    (TENSORBOARDX, "tensor"): LOST,
    (TENSORBOARDX, "tensor of one"): LOST,
    (TENSORBOARDX, "tensor of two"): LOST,
    (TENSORBOARDX, "list"): LOST,
    (TENSORBOARDX, "tuple"): LOST,
    (TENSORBOARDX, "mapping"): LOST,
    (TENSORBOARDX, "path"): LOST,
    (TENSORBOARDX, "huge int"): "TypeError of numpy; OverflowError here and in torch",
    (TENSORBOARDX, "ordered dictionary"): EXACT,
    (TENSORBOARDX, "metric with signs"): (
        "the scalar's tag is cleaned and that of the metric is not, so that the metric is not found"
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("peer", PEERS)
def test_a_session_is_theirs(
    peer: str, name: str, tmp_path: Path, writer: SummaryWriter, logged: Logged
) -> None:
    given, metrics, step = CASES[name]

    def call(each: Any) -> None:
        # The very call, as it is written for the peer.
        if peer == TENSORBOARDX:
            each.add_hparams(given, metrics, "trial/1", step)
        else:
            each.add_hparams(given, metrics, None, "trial/1", step)

    expected = session_of(theirs(peer, tmp_path / "theirs", call))
    found = session_of(ours(writer, logged, call))
    assert (found == expected) == ((peer, name) not in DIFFERENCES), (found, expected)


@pytest.mark.parametrize(("peer", "steps"), [(TENSORBOARDX, {0, 7}), (TORCH, {7})])
def test_the_step_of_a_session_is_torchs(
    peer: str, steps: set[int], tmp_path: Path, writer: SummaryWriter, logged: Logged
) -> None:
    """tensorboardX gives it to the metrics alone; here all of it is one event, which has one."""

    def call(each: Any) -> None:
        each.add_hparams({"a": 1}, M, global_step=7)

    (events,) = theirs(peer, tmp_path / "theirs", call).values()  # type: ignore[union-attr]
    assert {event.step for event in events} == steps
    (found,) = ours(writer, logged, call).values()  # type: ignore[union-attr]
    assert [event.step for event in found] == [7]


DOMAINS: dict[str, tuple[Any, Any]] = {
    "float": ({"a": 0.1}, {"a": [0.1, 0.2]}),
    "int": ({"a": 3}, {"a": [3, 4]}),
    "bools of an int": ({"a": 3}, {"a": [True, 4]}),
    "str": ({"a": "x"}, {"a": ["x", "y"]}),
    "bool": ({"a": True}, {"a": [True, False]}),
    "nothing": ({"a": 0.1}, {"a": []}),
    "one of two": ({"a": 0.1, "b": 0.2}, {"b": [0.2]}),
    "empty": ({"a": 0.1}, {}),
    "another type": ({"a": 0.1}, {"a": [1]}),
    "another name": ({"a": 0.1}, {"b": [0.1]}),
    "tuple": ({"a": 0.1}, {"a": (0.1,)}),
    "no dictionary": ({"a": 0.1}, [0.1]),
    "not finite": ({"a": 0.1}, {"a": [float("nan")]}),
    "None": ({"a": None}, {"a": [None]}),
}
OTHER_DOMAINS = {
    "bool": "a bool is an int to torch, and so a number",
    "not finite": "TensorBoard cannot make JSON of it, and then shows no hyperparameter at all",
}


@pytest.mark.parametrize("name", DOMAINS)
def test_domains_are_torchs(
    name: str, tmp_path: Path, writer: SummaryWriter, logged: Logged
) -> None:
    given, domains = DOMAINS[name]

    def call(each: Any) -> None:
        each.add_hparams(given, M, domains, "trial", 1)

    expected = session_of(theirs(TORCH, tmp_path / "theirs", call))
    found = session_of(ours(writer, logged, call))
    assert (found == expected) == (name not in OTHER_DOMAINS), (found, expected)


@pytest.mark.parametrize("peer", PEERS)
def test_a_session_without_a_name_is_a_run_called_by_the_time(
    peer: str, tmp_path: Path, writer: SummaryWriter, logged: Logged
) -> None:
    def call(each: Any) -> None:
        each.add_hparams({"a": 1}, M)

    for events in (theirs(peer, tmp_path / "theirs", call), ours(writer, logged, call)):
        assert isinstance(events, dict)
        (place,) = events
        assert abs(float(place) - logged()[0][3]) < 60


@pytest.mark.parametrize("peer", PEERS)
def test_a_session_of_the_run_itself(
    peer: str, tmp_path: Path, writer: SummaryWriter, logged: Logged
) -> None:
    def call(each: Any) -> None:
        if peer == TENSORBOARDX:
            each.add_hparams({"a": 1}, M, ".")
        else:
            each.add_hparams({"a": 1}, M, run_name=".")

    expected = session_of(theirs(peer, tmp_path / "theirs", call))
    assert session_of(ours(writer, logged, call)) == expected
    assert expected["place"] == ""


LAYOUTS: dict[str, Any] = {
    "both": {
        "first": {"lines": ["Multiline", ["a", "b/.*"]], "band": ["Margin", ["v", "l", "u"]]},
        "second": {"lines": ["Multiline", ["c"]]},
    },
    "tuples": {"a": {"b": ("Margin", ("v", "l", "u"))}},
    "more than two": {"a": {"b": ["Multiline", ["c"], "d"]}},
    "no tags": {"a": {"b": ["Multiline", []]}},
    "no charts": {"a": {}},
    "nothing": {},
    "ordered": OrderedDict(b={"c": ["Multiline", ["d"]]}, a={}),
    "margin of two": {"a": {"b": ["Margin", ["v", "l"]]}},
    "list": ["a"],
    "category of a list": {"a": ["Multiline", ["b"]]},
    "chart of one": {"a": {"b": ["Margin"]}},
    "chart of None": {"a": {"b": None}},
    "tag of a number": {"a": {"b": ["Multiline", [1]]}},
    "title of a number": {"a": {1: ["Multiline", ["c"]]}},
    "category of a number": {1: {"b": ["Multiline", ["c"]]}},
    "tags of a number": {"a": {"b": ["Multiline", 5]}},
    "lower case": {"a": {"b": ["margin", ["v", "l", "u"]]}},
    "another type": {"a": {"b": ["Margn", ["v", "l", "u"]]}},
    "tags of str": {"a": {"b": ["Multiline", "abc"]}},
}
OTHER_LAYOUTS = {
    "lower case": "the peers take every type but 'Margin' for 'Multiline'",
    "another type": "the peers take every type but 'Margin' for 'Multiline'",
    "tags of str": "the peers take each letter for a tag",
}


def layout_of(events: Events | type[Exception]) -> Any:
    """Return the one value of a layout as TensorBoard's plugin reads it."""
    if isinstance(events, type):
        return events
    (found,) = events.values()
    ((step, value),) = values_of(found)
    (content,) = value.tensor.string_val
    layout = layout_pb2.Layout.FromString(content)
    value.tensor.ClearField("string_val")
    return step, str(value), str(layout)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("peer", PEERS)
def test_a_layout_is_theirs(
    peer: str, name: str, tmp_path: Path, writer: SummaryWriter, logged: Logged
) -> None:
    def call(each: Any) -> None:
        each.add_custom_scalars(LAYOUTS[name])

    expected = layout_of(theirs(peer, tmp_path / "theirs", call))
    found = layout_of(ours(writer, logged, call))
    assert (found == expected) == (name not in OTHER_LAYOUTS), (found, expected)


SHORT_FORMS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "lines": ("multilinechart", (["a", "b"],)),
    "lines with a title": ("multilinechart", (["a"], "category", "title")),
    "band": ("marginchart", (["v", "l", "u"],)),
    "band with a title": ("marginchart", (["v", "l", "u"], "category", "title")),
    "band of two": ("marginchart", (["v", "l"],)),
    "lines of a number": ("multilinechart", (5,)),
}


@pytest.mark.parametrize("name", SHORT_FORMS)
@pytest.mark.parametrize("peer", PEERS)
def test_short_forms_are_theirs(
    peer: str, name: str, tmp_path: Path, writer: SummaryWriter, logged: Logged
) -> None:
    method, arguments = SHORT_FORMS[name]

    def call(each: Any) -> None:
        getattr(each, f"add_custom_scalars_{method}")(*arguments)

    expected = layout_of(theirs(peer, tmp_path / "theirs", call))
    assert layout_of(ours(writer, logged, call)) == expected


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize(
    "name",
    [
        "add_hparams",
        "add_custom_scalars",
        "add_custom_scalars_multilinechart",
        "add_custom_scalars_marginchart",
    ],
)
def test_calls_take_the_names_that_a_peer_takes(peer: str, name: str) -> None:
    expected = inspect.signature(getattr(PEERS[peer], name)).parameters
    assert set(expected) <= set(inspect.signature(getattr(SummaryWriter, name)).parameters)
