"""Our Event family against TensorBoard's own: the same fields, the same bytes, no clash."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd.proto import event_pb2
from tbxd.proto.event_pb2 import Event

THEIRS_TO_BYTES = {"GraphDef", "MetaGraphDef", "RunMetadata"}
"""Messages that our file passes on as bytes."""


def theirs() -> Any:
    return pytest.importorskip("tensorboard.compat.proto.event_pb2").Event.DESCRIPTOR


def messages(descriptor: Any, found: dict[str, Any]) -> dict[str, Any]:
    """Return every message that ``descriptor`` can hold, by its name without the package."""
    name = descriptor.full_name.removeprefix(descriptor.file.package + ".")
    if name not in found:
        found[name] = descriptor
        for field in descriptor.fields:
            if field.message_type is not None:
                messages(field.message_type, found)
    return found


def repeated(field: Any) -> bool:
    # is_repeated came with protobuf 6 and label went with 7.
    return bool(field.is_repeated) if hasattr(field, "is_repeated") else field.label == 3


def test_every_field_is_the_one_of_the_same_number_in_tensorboards_file() -> None:
    their_messages = messages(theirs(), {})
    our_messages = messages(Event.DESCRIPTOR, {})
    assert len(our_messages) == 15
    for name, ours in our_messages.items():
        for field in ours.fields:
            their_field = their_messages[name].fields_by_number[field.number]
            assert field.name == their_field.name
            assert repeated(field) == repeated(their_field)
            assert (field.containing_oneof is None) == (their_field.containing_oneof is None)
            if field.type != their_field.type:
                assert field.type == field.TYPE_BYTES
                assert their_field.message_type.name in THEIRS_TO_BYTES
            elif field.message_type is not None:
                assert field.message_type.name == their_field.message_type.name


def test_every_enumerated_value_is_tensorboards() -> None:
    their_messages = messages(theirs(), {})
    compared = 0
    for name, ours in messages(Event.DESCRIPTOR, {}).items():
        for field in ours.fields:
            if field.enum_type is None:
                continue
            their_values = their_messages[name].fields_by_number[field.number].enum_type
            for value in field.enum_type.values:
                assert their_values.values_by_name[value.name].number == value.number
                compared += 1
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
