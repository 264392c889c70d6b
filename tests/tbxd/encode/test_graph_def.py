from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tensorboard.compat.proto.graph_pb2 import GraphDef

from tbxd.encode import encode, tags
from tbxd_client.arrays import source
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind
from tbxd_wire.records import Record

from .making import WALL_TIME, events_of, record_of


def record(data: bytes) -> Record:
    return record_of(Kind.GRAPH_DEF, "", source(np.frombuffer(data, np.uint8)))


def test_the_bytes_stay_as_they_are() -> None:
    graph = GraphDef()
    node = graph.node.add(name="n", op="Op", input=["a"], device="/gpu:0")
    node.attr["value"].tensor.float_val.append(1.0)
    node.attr["f"].func.name = "f"
    graph.library.function.add().signature.name = "f"
    data = graph.SerializeToString() + b"\xfa\x06\x03abc"
    found = events_of(Kind.GRAPH_DEF, "", source(np.frombuffer(data, np.uint8)))
    assert found[""].graph_def == data
    assert (found[""].wall_time, found[""].step) == (WALL_TIME, 3)
    assert list(tags(record(data))) == []


@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x01\x00", b"\x0a\x03\x0a\x01\xff"])
def test_what_is_no_graph(data: bytes) -> None:
    with pytest.raises(RecordError, match="are no serialized GraphDef"):
        encode(record(data))


@pytest.mark.parametrize("value", [None, "text", b"bytes", [1]])
def test_what_is_no_array(value: Any) -> None:
    with pytest.raises(RecordError, match="a graph must be an array"):
        encode(record_of(Kind.GRAPH_DEF, "", value))
