"""FileWriter, and the way to it: the records of a call. (tests/parity has what they become.)"""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import pytest
from tensorboard.compat.proto.config_pb2 import RunMetadata
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.summary_pb2 import Summary

from tbxd_client import FileWriter, SummaryWriter
from tbxd_client.writer.raw import CPU_RUN_METADATA
from tbxd_wire.kinds import Kind
from tests.client.leftovers import Logged, read_all

SUMMARY = Summary()
SUMMARY.value.add(tag="a", simple_value=0.5)


class OfNoPackage:
    """All that is asked of a message."""

    def SerializeToString(self) -> bytes:
        return b"\x0a\x00"


@pytest.mark.parametrize(
    "message", [b"\x0a\x00", bytearray(b"\x0a\x00"), memoryview(b"\x0a\x00"), OfNoPackage()]
)
def test_bytes_and_whatever_serializes_itself(
    writer: SummaryWriter, logged: Logged, message: Any
) -> None:
    file_writer = writer.file_writer
    file_writer.add_event(message, 1, 2.0)
    file_writer.add_summary(message, 1, 2.0)
    file_writer.add_graph((message, message), 2.0)
    file_writer.add_onnx_graph(message, 2.0)
    file_writer.add_openvino_graph(message, 2.0)
    file_writer.add_run_metadata(message, "tag", 1, 2.0)
    found = logged()
    assert [record[:4] for record in found] == [
        [Kind.EVENT, "", 1, 2.0],
        [Kind.SUMMARY, "", 1, 2.0],
        [Kind.GRAPH_DEF, "", None, 2.0],
        [Kind.RUN_METADATA, "step1", None, 2.0],
        [Kind.GRAPH_DEF, "", None, 2.0],
        [Kind.GRAPH_DEF, "", None, 2.0],
        [Kind.RUN_METADATA, "tag", 1, 2.0],
    ]
    for *_, array in found:
        assert (array.dtype, array.shape, bytes(array.data)) == ("uint8", (2,), b"\x0a\x00")


def test_an_empty_message(writer: SummaryWriter, logged: Logged) -> None:
    writer.file_writer.add_summary(b"")
    writer.file_writer.add_event(Event())
    assert [record[4].shape for record in logged()] == [(0,), (0,)]


def test_whose_step_it_is(writer: SummaryWriter, logged: Logged) -> None:
    event = Event(step=5)
    file_writer = writer.file_writer
    file_writer.add_event(event)
    file_writer.add_event(event, 0)
    file_writer.add_event(event.SerializeToString())
    file_writer.add_event(Event())
    with file_writer.use_metadata(global_step=9, walltime=2.0) as same:
        assert same is file_writer
        file_writer.add_event(event)
        file_writer.add_event(event, 8)
        writer.file_writer.add_summary(SUMMARY)
        writer.add_scalar("tag", 0.5)
    file_writer.add_summary(SUMMARY)
    found = logged()
    assert [record[2] for record in found] == [5, 0, None, None, 9, 8, 9, 9, None]
    assert [record[3] for record in found[4:8]] == [2.0] * 4


def test_the_metadata_of_a_graph_are_what_they_say() -> None:
    metadata = RunMetadata()
    metadata.step_stats.dev_stats.add(device="/device:CPU:0")
    assert metadata.SerializeToString() == CPU_RUN_METADATA


@pytest.mark.parametrize("value", [None, 1, "text", object(), Summary])
def test_what_is_no_message(writer: SummaryWriter, logged: Logged, value: Any) -> None:
    file_writer = writer.file_writer
    with pytest.raises(AttributeError, match="the bytes of a protobuf Event"):
        file_writer.add_event(value)
    with pytest.raises(TypeError, match="the bytes of a protobuf Summary"):
        file_writer.add_summary(value)
    with pytest.raises(AttributeError, match="the bytes of a protobuf GraphDef"):
        file_writer.add_onnx_graph(value)
    with pytest.raises(AttributeError, match="the bytes of a protobuf RunMetadata"):
        file_writer.add_graph((b"", value))
    with pytest.raises(AttributeError, match="the bytes of a protobuf RunMetadata"):
        file_writer.add_run_metadata(value, "tag")
    assert logged() == []


def test_messages_of_another_kind(writer: SummaryWriter, logged: Logged) -> None:
    file_writer = writer.file_writer
    with pytest.raises(AttributeError, match=r"protobuf Event .*, not Summary"):
        file_writer.add_event(SUMMARY)
    with pytest.raises(TypeError, match=r"protobuf Summary .*, not Event"):
        file_writer.add_summary(Event())
    with pytest.raises(AttributeError, match=r"protobuf GraphDef .*, not RunMetadata"):
        file_writer.add_graph((RunMetadata(), GraphDef()))
    with pytest.raises(IndexError):
        file_writer.add_graph((GraphDef(),))
    assert logged() == []


@pytest.mark.parametrize("wall_time", [math.nan, math.inf, "now"])
def test_a_time_that_is_none(writer: SummaryWriter, logged: Logged, wall_time: Any) -> None:
    file_writer = writer.file_writer
    with pytest.raises((ValueError, TypeError), match="walltime must be"):
        file_writer.add_event(Event(), 1, wall_time)
    with pytest.raises((ValueError, TypeError), match="walltime must be"):
        file_writer.add_summary(SUMMARY, 1, wall_time)
    with pytest.raises((ValueError, TypeError), match="walltime must be"):
        file_writer.add_graph((b"", b""), wall_time)
    with pytest.raises((ValueError, TypeError), match="walltime must be"):
        file_writer.add_run_metadata(b"", "tag", 1, wall_time)
    assert logged() == []


def test_the_way_to_it(writer: SummaryWriter, run: str, logged: Logged) -> None:
    (only,) = writer.all_writers.items()
    assert only[0] == writer.file_writer.get_logdir() == run
    only[1].add_summary(SUMMARY, 1)
    writer._get_file_writer().add_summary(SUMMARY, 2)
    writer.close(0.0)
    writer.file_writer.reopen()
    writer.file_writer.add_summary(SUMMARY, 3)
    writer.file_writer.close(0.0)
    writer.add_scalar("a", 0.5, 4)
    assert [record[2] for record in logged()] == [1, 2, 3, 4]


@pytest.mark.usefixtures("runtime_directory")
def test_one_of_its_own(run: str, logged: Logged, runtime_directory: str) -> None:
    with FileWriter(run, filename_suffix=".part") as file_writer:
        file_writer.add_summary(SUMMARY, 1)
        pickle.loads(pickle.dumps(file_writer)).add_summary(SUMMARY, 2)
        file_writer.close(0.0)
        file_writer.reopen()
        file_writer.add_summary(SUMMARY, 3)
        file_writer.close(0.0)
    assert sorted(record[2] for record in logged()) == [1, 2, 3]
    for each in read_all(runtime_directory):
        assert (each.hello.run, each.hello.suffix) == (run, ".part")


@pytest.mark.usefixtures("runtime_directory")
def test_the_names_of_its_directory(run: str) -> None:
    assert FileWriter(log_dir=run).get_logdir() == run
    assert FileWriter(Path(run)).get_logdir() == run
    with pytest.raises(TypeError, match="needs the directory of its run"):
        FileWriter()


def test_without_a_disk(run: str, runtime_directory: str) -> None:
    writer = SummaryWriter(run, write_to_disk=False)
    writer.file_writer.add_summary(SUMMARY, 1)
    writer.file_writer.add_graph((GraphDef(), RunMetadata()))
    writer.file_writer.flush()
    writer.file_writer.close()
    with pytest.raises(TypeError):
        writer.file_writer.add_summary("summary")
    assert read_all(runtime_directory) == []
