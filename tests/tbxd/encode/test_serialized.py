from __future__ import annotations

import numpy as np
import pytest

from tbxd.encode import serialized
from tbxd.encode.serialized import bytes_of, parse, parse_known
from tbxd.proto.event_pb2 import DT_FLOAT, Event, Summary
from tbxd.proto.graph_pb2 import GraphDef
from tbxd_wire.arrays import Array
from tbxd_wire.errors import RecordError

LONG = 1 << 21
"""Enough bytes that the fields are counted."""


def test_bytes() -> None:
    assert bytes_of(Array("uint8", (3,), memoryview(b"\0\1\2")), "a summary") == b"\0\1\2"
    assert bytes_of(Array("uint8", (0,), memoryview(b"")), "a summary") == b""


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"bytes",
        "text",
        Array("int8", (1,), memoryview(b"\0")),
        Array("uint8", (1, 1), memoryview(b"\0")),
        Array("uint8", (), memoryview(b"\0")),
    ],
)
def test_what_is_no_row_of_bytes(value: object) -> None:
    with pytest.raises(RecordError, match=r"a summary must be (an array|one row of uint8)"):
        bytes_of(value, "a summary")


@pytest.mark.parametrize(
    "data", [b"\xff", b"\x0a\x05ab", b"\x0a", b"\x2a\x02\x0a\x05", b"\x1a\x01\xff"]
)
def test_what_is_no_message(data: bytes) -> None:
    with pytest.raises(RecordError, match=f"{len(data)} bytes are no serialized Event"):
        parse(Event, data)
    with pytest.raises(RecordError, match=f"{len(data)} bytes are no serialized Event"):
        parse_known(Event, data)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"\x08\x01", "Event.wall_time"),
        (b"\x12\x01\x00", "Event.step"),
        (b"\x28\x01", "Event.summary"),
        (b"\x2a\x02\x08\x01", "Summary.value"),
        (b"\x2a\x04\x0a\x02\x10\x01", "Value.simple_value"),
        (b"\x2a\x06\x0a\x04\x42\x02\x12\x00" + b"\x08\x01", "Event.wall_time"),
        (b"\x2a\x08\x0a\x06\x42\x04\x12\x02\x10\x01", "TensorShapeProto.dim"),
    ],
)
def test_a_field_of_another_ones_type(data: bytes, field: str) -> None:
    """protobuf reads over it; TensorBoard's data server does not, and drops the file."""
    assert Event.FromString(data) is not None
    with pytest.raises(RecordError, match=f"{field} has the type of another field"):
        parse_known(Event, data)


def test_fields_that_nobody_knows_are_left_out() -> None:
    known = Event(step=3)
    known.summary.value.add(tag="a", simple_value=1.5)
    later = b"\xfa\x06\x03abc"
    inner = Summary.FromString(b"\x0a\x09\x0a\x01b" + b"\xfa\x06\x03abc")
    data = known.SerializeToString() + b"\x2a\x0b" + inner.SerializeToString() + later
    found = parse_known(Event, data)
    assert [value.tag for value in found.summary.value] == ["a", "b"]
    assert b"abc" not in found.SerializeToString()
    assert b"abc" in parse(Event, data).SerializeToString()


@pytest.mark.parametrize(
    "data",
    [
        b"\x0a\x00" * LONG,
        b"\x0a\x02\x0a\x00" * LONG,
        # One value whose tensor has that many dimensions.
        b"\x0a\x86\x80\x80\x02\x42\x82\x80\x80\x02\x12\xfe\xff\xff\x01" + b"\x12\x00" * (LONG - 1),
        b"\x78\x01" * LONG,
        b"\x7b" * LONG,
    ],
    ids=["values", "tags", "dimensions", "numbers", "groups"],
)
def test_a_message_of_too_many_fields_is_never_parsed(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of these would take a hundred times its size."""
    monkeypatch.setattr(serialized, "FIELDS", 1000)
    with pytest.raises(RecordError, match="has more than 1000 fields"):
        parse_known(Summary, data)


def test_a_long_message_of_few_fields_is_parsed() -> None:
    tensor = Summary()
    tensor.value.add(tag="t").tensor.float_val.extend(np.zeros(LONG).tolist())
    tensor.value.add(tag="i").image.encoded_image_string = bytes(LONG)
    assert parse_known(Summary, tensor.SerializeToString()) == tensor
    graph = GraphDef()
    for number in range(1 << 15):
        node = graph.node.add(name=f"node {number}", op="Op", input=["a", "b"])
        node.attr["T"].type = DT_FLOAT
        node.attr["shape"].shape.dim.add(size=number)
    data = graph.SerializeToString()
    assert len(data) > 1 << 20
    assert parse(GraphDef, data) == graph


def test_a_long_message_that_ends_early_is_refused() -> None:
    data = b"\x0a\xff\xff\xff\x7f" + bytes(LONG)
    with pytest.raises(RecordError, match=r"are no serialized Summary|has more than"):
        parse(Summary, data)
    with pytest.raises(RecordError, match="are no serialized Summary"):
        parse(Summary, b"\xff" * LONG)
