"""Serialized messages through a FileWriter, beside the peers' own."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorboardX.summary
import torch
import torch.utils.tensorboard.summary
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.compat.proto.config_pb2 import RunMetadata
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboardX.proto import event_pb2 as x_event_pb2

from tbxd_client import FileWriter, SummaryWriter
from tests.client.leftovers import Logged

from .whole_events import FILE_WRITERS, TENSORBOARDX, TORCH, WRITERS, Call, ours, theirs

WALL_TIME = 1_700_000_000.25
EVENTS: dict[str, Any] = {TENSORBOARDX: x_event_pb2.Event, TORCH: event_pb2.Event}
SUMMARIES: dict[str, Any] = {
    TENSORBOARDX: tensorboardX.summary,
    TORCH: torch.utils.tensorboard.summary,
}
LAYOUT = {"Losses": {"both": ["Multiline", ["loss/train", "loss/eval"]]}}

GRAPH = GraphDef()
GRAPH.versions.producer = 22
GRAPH.node.add(name="a", op="Const").attr["value"].tensor.float_val.append(1.5)
GRAPH.node.add(name="b", op="Neg", input=["a"])
GRAPH.library.function.add().signature.name = "f"
METADATA = RunMetadata()
METADATA.step_stats.dev_stats.add(device="/gpu:0").node_stats.add(node_name="a", all_start_micros=3)


def scalar_event(peer: str) -> Any:
    event = EVENTS[peer](step=5, wall_time=1.0)
    event.summary.value.add(tag="a", simple_value=0.5)
    return event


def logged_event(peer: str) -> Any:
    event = EVENTS[peer]()
    event.log_message.message = "a message"
    event.log_message.level = 30
    return event


def checkpoint(peer: str) -> Any:
    event = EVENTS[peer](step=-4)
    event.session_log.status = 3
    event.session_log.checkpoint_path = "model.ckpt"
    return event


def summary(name: str, *arguments: Any) -> Callable[[str], Any]:
    return lambda peer: getattr(SUMMARIES[peer], name)(*arguments)


ANY_SUMMARY: dict[str, Callable[[str], Any]] = {
    "scalar": summary("scalar", "tag", 0.5),
    "text": summary("text", "tag", "words"),
    "image": summary("image", "tag", np.zeros((3, 4, 5), np.uint8), 1, "CHW"),
    "histogram": summary("histogram", "tag", np.arange(9.0), 4),
    "custom scalars": summary("custom_scalars", LAYOUT),
    "curve": summary("pr_curve", "tag", np.array([0, 1]), np.array([0.2, 0.9])),
    "empty": lambda peer: type(SUMMARIES[peer].scalar("tag", 0.5))(),
}
ANY_EVENT: dict[str, Callable[[str], Any]] = {
    "scalar": scalar_event,
    "message": logged_event,
    "checkpoint": checkpoint,
    "empty": lambda peer: EVENTS[peer](),
}


def same(
    peer: str, logged: Logged, writer: Any, tmp_path: Path, call: Call, kinds: Any = WRITERS
) -> None:
    expected = theirs(kinds[peer], tmp_path / "theirs", call)
    call(writer)
    assert [event.SerializeToString() for event in ours(logged)] == [
        event.SerializeToString() for event in expected
    ]


@pytest.mark.parametrize("peer", WRITERS)
@pytest.mark.parametrize("step", [None, 3, 2.9, np.int64(7), "11", -1])
@pytest.mark.parametrize("name", ANY_SUMMARY)
def test_a_summary_is_theirs(
    writer: SummaryWriter, logged: Logged, tmp_path: Path, peer: str, name: str, step: Any
) -> None:
    found = ANY_SUMMARY[name](peer)
    same(
        peer,
        logged,
        writer,
        tmp_path,
        lambda target: target.file_writer.add_summary(found, step, WALL_TIME),
    )


@pytest.mark.parametrize("peer", WRITERS)
@pytest.mark.parametrize("step", [None, 3])
@pytest.mark.parametrize("name", ANY_EVENT)
def test_an_event_is_theirs(
    writer: SummaryWriter, logged: Logged, tmp_path: Path, peer: str, name: str, step: Any
) -> None:
    event = ANY_EVENT[name](peer)
    same(
        peer,
        logged,
        writer,
        tmp_path,
        lambda target: target._get_file_writer().add_event(event, step, WALL_TIME),
    )


@pytest.mark.parametrize("peer", WRITERS)
def test_the_time_is_that_of_the_call_and_the_message_stays_as_it_is(
    writer: SummaryWriter, logged: Logged, tmp_path: Path, peer: str
) -> None:
    """The peers write the time into the caller's event."""
    event = scalar_event(peer)
    before = time.time()
    (expected,) = theirs(WRITERS[peer], tmp_path, lambda w: w.file_writer.add_event(event, 8))
    assert (event.wall_time, event.step) != (1.0, 5)
    event = scalar_event(peer)
    writer.file_writer.add_event(event, 8)
    assert (event.wall_time, event.step) == (1.0, 5)
    (found,) = ours(logged)
    assert before <= expected.wall_time <= found.wall_time <= time.time()
    assert found.step == expected.step == 8


@pytest.mark.parametrize("peer", WRITERS)
def test_graphs_are_theirs(
    writer: SummaryWriter, logged: Logged, tmp_path: Path, peer: str
) -> None:
    def call(target: Any) -> None:
        target.file_writer.add_graph((GRAPH, METADATA), WALL_TIME)
        target.file_writer.add_onnx_graph(GRAPH, walltime=WALL_TIME)

    expected = theirs(WRITERS[peer], tmp_path, call)
    call(writer)
    found = ours(logged)
    # tensorboardX's name is "profiler"; there is no reason to have two.
    expected[1].tagged_run_metadata.tag = "step1"
    assert found == expected
    assert GraphDef.FromString(found[0].graph_def) == GRAPH
    assert RunMetadata.FromString(found[1].tagged_run_metadata.run_metadata) == METADATA


def without_its_times(event: Any) -> Any:
    """Return an event of hyperparameters without the times at which they were made."""
    for value in event.summary.value:
        content = HParamsPluginData.FromString(value.metadata.plugin_data.content)
        content.experiment.ClearField("time_created_secs")
        content.session_start_info.ClearField("start_time_secs")
        content.session_end_info.ClearField("end_time_secs")
        value.metadata.plugin_data.content = content.SerializeToString(deterministic=True)
    return event


@pytest.mark.parametrize("peer", WRITERS)
def test_hyperparameters_beside_the_curves(
    writer: SummaryWriter, logged: Logged, tmp_path: Path, peer: str
) -> None:
    """What Lightning does, and users who want no sub-run: three summaries by hand."""

    def call(target: Any) -> None:
        hparams = SUMMARIES[peer].hparams
        for each in hparams({"rate": 0.1, "kind": "adam"}, {"loss": 0.5}):
            target._get_file_writer().add_summary(each, walltime=WALL_TIME)

    expected = theirs(WRITERS[peer], tmp_path, call)
    call(writer)
    found = ours(logged)
    assert len(found) == 3
    assert list(map(without_its_times, found)) == list(map(without_its_times, expected))


@pytest.mark.parametrize("peer", FILE_WRITERS)
def test_a_file_writer_of_its_own(
    runtime_directory: str, logged: Logged, tmp_path: Path, peer: str
) -> None:
    found = SUMMARIES[peer].scalar("tag", 0.5)

    def call(target: Any) -> None:
        target.add_summary(found, 4, WALL_TIME)
        target.add_event(scalar_event(peer), walltime=WALL_TIME)
        target.flush()

    writer = FileWriter(str(tmp_path / "ours"), 10, 120, ".suffix")
    assert writer.get_logdir() == str(tmp_path / "ours")
    expected = theirs(FILE_WRITERS[peer], tmp_path / "theirs", call)
    writer.add_summary(found, 4, WALL_TIME)
    writer.add_event(scalar_event(peer), walltime=WALL_TIME)
    assert ours(logged) == expected


MISTAKES: dict[str, Call] = {
    "event of str": lambda w: w.add_event("event"),
    "event of None": lambda w: w.add_event(None),
    "event of a summary": lambda w: w.add_event(summary_pb2.Summary()),
    "step of an event": lambda w: w.add_event(event_pb2.Event(), "one"),
    "step of a list": lambda w: w.add_event(event_pb2.Event(), [1]),
    "large step": lambda w: w.add_event(event_pb2.Event(), 1 << 63),
    "time of an event": lambda w: w.add_event(event_pb2.Event(), 1, "now"),
    "summary of str": lambda w: w.add_summary("summary"),
    "summary of an event": lambda w: w.add_summary(event_pb2.Event()),
    "step of a summary": lambda w: w.add_summary(summary_pb2.Summary(), "one"),
    "graph of str": lambda w: w.add_graph(("graph", METADATA)),
    "graph without its metadata": lambda w: w.add_graph((GRAPH,)),
    "graph with nothing": lambda w: w.add_graph((GRAPH, None)),
    "ONNX graph of None": lambda w: w.add_onnx_graph(None),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_raise_their_exception(
    writer: SummaryWriter, logged: Logged, tmp_path: Path, name: str
) -> None:
    with pytest.raises(Exception) as expected:  # noqa: PT011
        theirs(FILE_WRITERS[TORCH], tmp_path, MISTAKES[name])
    with pytest.raises(expected.type):
        MISTAKES[name](writer.file_writer)
    assert logged() == []
