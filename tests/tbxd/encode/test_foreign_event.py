from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event as TheirEvent
from tensorboard.compat.proto.graph_pb2 import GraphDef as TheirGraphDef
from tensorboard.compat.proto.meta_graph_pb2 import MetaGraphDef as TheirMetaGraphDef

from tbxd.encode import encode, tags
from tbxd.format import header, marks
from tbxd.format.marks import Section
from tbxd.format.tfrecord import frame
from tbxd.proto.event_pb2 import Event
from tbxd_client.arrays import source
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind
from tbxd_wire.records import Record

from .making import WALL_TIME, record_of


def record(event: Any, step: int | None = None) -> Record:
    data = event if isinstance(event, bytes) else event.SerializeToString()
    return record_of(Kind.EVENT, "", source(np.frombuffer(data, np.uint8)), step=step)


def encoded(event: Any, step: int | None = None) -> TheirEvent:
    ((place, data),) = encode(record(event, step))
    assert place == ""
    return TheirEvent.FromString(data)


def events() -> dict[str, TheirEvent]:
    kinds = {name: TheirEvent(wall_time=5.0, step=7) for name in ("s", "l", "m", "g", "r", "e")}
    kinds["s"].summary.value.add(tag="a", simple_value=0.5)
    kinds["l"].session_log.status = 1
    kinds["l"].session_log.msg = "tbxd:1: is a message here"
    kinds["m"].log_message.message = "words"
    kinds["m"].log_message.level = 40
    graph = TheirGraphDef()
    graph.node.add(name="n").attr["value"].tensor.float_val.append(1.0)
    graph.library.function.add().signature.name = "f"
    kinds["g"].graph_def = graph.SerializeToString()
    kinds["r"].tagged_run_metadata.tag = "t"
    kinds["r"].tagged_run_metadata.run_metadata = b"\x0a\x00"
    return kinds


@pytest.mark.parametrize("name", events())
def test_what_it_is_about_travels_as_it_is(name: str) -> None:
    event = events()[name]
    found = encoded(event)
    assert (found.wall_time, found.step) == (WALL_TIME, 7)
    found.wall_time = 5.0
    assert found == event


def test_the_step_of_the_record_wins() -> None:
    assert encoded(events()["s"], 9).step == 9
    assert encoded(events()["s"], 0).step == 0


@pytest.mark.parametrize("wall_time", [math.nan, math.inf, -math.inf])
def test_a_time_that_is_no_time_never_reaches_a_file(wall_time: float) -> None:
    assert encoded(TheirEvent(wall_time=wall_time, step=1)).wall_time == WALL_TIME


def test_a_long_event_is_not_parsed_for_its_tags() -> None:
    event = TheirEvent()
    event.summary.value.add(tag="a").image.encoded_image_string = bytes(1 << 20)
    assert list(tags(record(event))) == []


def test_tags_are_those_of_a_summary() -> None:
    assert list(tags(record(events()["s"]))) == ["a"]
    assert list(tags(record(events()["m"]))) == []


# -- what would speak for the file


def test_the_header_of_another_file_makes_no_event() -> None:
    """It comes along when somebody hands over a file event by event."""
    event = TheirEvent(file_version="brain.Event:2")
    event.source_metadata.writer = "tbxd"
    assert encode(record(event)) == []


@pytest.mark.parametrize("version", ["brain.Event:1", "", "tbxd"])
def test_another_version_is_refused(version: str) -> None:
    with pytest.raises(RecordError, match=r"version is brain\.Event:2, not"):
        encode(record(TheirEvent(file_version=version)))


def test_an_event_never_says_who_wrote_the_file() -> None:
    event = events()["s"]
    event.source_metadata.writer = "tbxd"
    assert not encoded(event).HasField("source_metadata")
    ((_, data),) = encode(record(event))
    assert not header.is_ours(data)


def mark() -> bytes:
    return marks.encode([Section(bytes(16), 0, 10, 1)], 100, WALL_TIME)


def prefixed(path: str, status: int = 3) -> bytes:
    event = TheirEvent()
    event.session_log.status = status
    event.session_log.checkpoint_path = path
    return bytes(event.SerializeToString())


@pytest.mark.parametrize(
    "data",
    [
        mark(),
        prefixed("tbxd:"),
        prefixed("tbxd:1:5:x"),
        prefixed("tbxd:2:of a later release"),
        prefixed("tbxd:1:5:x", status=0),
        # Merged of two pieces, as a parser does it.
        prefixed("model") + prefixed("tbxd:1:5:x"),
        TheirEvent(step=1).SerializeToString() + mark(),
    ],
)
def test_a_commit_mark_is_refused(data: bytes) -> None:
    with pytest.raises(RecordError, match="begins with tbxd: is a commit mark's"):
        encode(record(data))


@pytest.mark.parametrize("path", ["model.ckpt", "", "a tbxd:1:", "TBXD:1:", "/runs/tbxd:1:5:x"])
def test_a_checkpoint_of_somebody_elses_is_kept(path: str) -> None:
    found = encoded(prefixed(path))
    assert found.session_log.checkpoint_path == path
    assert marks.parse(found.SerializeToString()) is None


# -- what harms a reader


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (b"\xff", "1 bytes are no serialized Event"),
        (b"\x08\x01", "Event.wall_time has the type of another field"),
        (TheirEvent(graph_def=b"\xff"), "1 bytes are no serialized GraphDef"),
        (TheirEvent(meta_graph_def=b"\xff"), "1 bytes are no serialized MetaGraphDef"),
        (TheirEvent(meta_graph_def=b"\x12\x01\xff"), "1 bytes are no serialized GraphDef"),
    ],
)
def test_what_is_no_event(event: Any, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        encode(record(event))


def test_run_metadata_that_are_none() -> None:
    event = TheirEvent()
    event.tagged_run_metadata.run_metadata = b"\xff"
    with pytest.raises(RecordError, match="no serialized RunMetadata"):
        encode(record(event))


def test_a_ragged_histogram_is_refused() -> None:
    event = TheirEvent()
    event.summary.value.add(tag="h").histo.bucket.append(1.0)
    with pytest.raises(RecordError, match="'h' has 0 edges for 1 buckets"):
        encode(record(event))


def test_of_a_meta_graph_its_graph_is_kept(tmp_path: Any) -> None:
    """The rest is never shown, and TensorBoard's loader ends at one that is no message."""
    meta = TheirMetaGraphDef()
    meta.graph_def.node.add(name="n", op="Op").attr["value"].tensor.float_val.append(1.0)
    meta.meta_info_def.tensorflow_version = "2"
    event = TheirEvent(meta_graph_def=meta.SerializeToString())
    ((_, data),) = encode(record(event))
    assert TheirGraphDef.FromString(TheirEvent.FromString(data).graph_def) == meta.graph_def
    shown = []
    for name, each in {"theirs": event.SerializeToString(), "ours": data}.items():
        path = tmp_path / f"{name}.tfevents"
        path.write_bytes(frame([header.encode(WALL_TIME), each]))
        accumulator = EventAccumulator(str(path))
        accumulator.Reload()
        shown.append(accumulator.Graph())
    assert shown[0] == shown[1] == meta.graph_def


def test_a_broken_meta_graph_would_stop_the_loader(tmp_path: Any) -> None:
    path = tmp_path / "x.tfevents"
    broken = TheirEvent(meta_graph_def=b"\x1a\x01\xff").SerializeToString()
    path.write_bytes(frame([header.encode(WALL_TIME), broken]))
    with pytest.raises(Exception, match="Error parsing message"):
        EventAccumulator(str(path)).Reload()
    # What is broken is left out; there is no graph in it.
    assert encoded(broken).graph_def == b""


@pytest.mark.parametrize("value", [None, "text", b"bytes", [1], 7])
def test_what_is_no_array(value: Any) -> None:
    with pytest.raises(RecordError, match="an event must be an array"):
        encode(record_of(Kind.EVENT, "", value))


def test_an_event_is_ours_too() -> None:
    """Both families of messages have the same bytes."""
    event = Event(step=7)
    event.summary.value.add(tag="a", simple_value=0.5)
    assert encoded(event).summary.value[0].tag == "a"
