"""Our Event family against TensorBoard's own: the same fields, the same bytes, no clash."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd.proto import event_pb2
from tbxd.proto.event_pb2 import Event

from .comparing import messages, same_fields

THEIRS_TO_BYTES = frozenset({"GraphDef", "MetaGraphDef", "RunMetadata"})
"""Messages that our file passes on as bytes."""


def theirs() -> Any:
    return pytest.importorskip("tensorboard.compat.proto.event_pb2").Event.DESCRIPTOR


def test_every_field_and_enumerated_value_is_the_one_of_tensorboards_file() -> None:
    their_messages = messages(theirs(), {})
    our_messages = messages(Event.DESCRIPTOR, {})
    assert len(our_messages) == 15
    compared = 0
    for name, ours in our_messages.items():
        compared += same_fields(ours, their_messages[name], THEIRS_TO_BYTES)
    assert compared > 20


@given(
    wall_time=st.floats(allow_nan=False),
    step=st.integers(-(1 << 63), (1 << 63) - 1),
    tag=st.text(),
    value=st.floats(width=32, allow_nan=False),
    text=st.binary(),
    bucket=st.lists(st.floats(allow_nan=False)),
)
def test_tensorboard_reads_what_we_write_and_writes_it_the_same(
    wall_time: float, step: int, tag: str, value: float, text: bytes, bucket: list[float]
) -> None:
    event = Event(wall_time=wall_time, step=step)
    event.summary.value.add(tag=tag, simple_value=value)
    added = event.summary.value.add(tag=tag, node_name="node")
    added.metadata.plugin_data.plugin_name = "text"
    added.tensor.dtype = event_pb2.DT_STRING
    added.tensor.tensor_shape.dim.add(size=1, name="x")
    added.tensor.string_val.append(text)
    event.summary.value.add(tag="h").histo.bucket.extend(bucket)
    data = event.SerializeToString()
    read = pytest.importorskip("tensorboard.compat.proto.event_pb2").Event.FromString(data)
    assert read.step == step
    assert read.summary.value[1].tensor.string_val[0] == text
    assert read.SerializeToString() == data


def test_both_families_live_in_one_process() -> None:
    other = theirs()
    assert other.full_name != Event.DESCRIPTOR.full_name
    assert other.file.name != Event.DESCRIPTOR.file.name
    assert Event.DESCRIPTOR.file.package == "tbxd.proto"
