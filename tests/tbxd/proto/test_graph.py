"""Our GraphDef family against TensorBoard's own: the same fields, the same bytes."""

from __future__ import annotations

from typing import Any

import pytest

from tbxd.proto.graph_pb2 import GraphDef, MetaGraphDef, RunMetadata

from .comparing import messages, same_fields

THEIRS_TO_BYTES = frozenset({"GraphDef", "TensorProto", "NameAttrList"})
"""Messages that our file passes on as bytes."""


def theirs(module: str, name: str) -> Any:
    return getattr(pytest.importorskip(f"tensorboard.compat.proto.{module}"), name)


@pytest.mark.parametrize(
    ("ours", "module", "count"),
    [
        (GraphDef, "graph_pb2", 8),
        (MetaGraphDef, "meta_graph_pb2", 1),
        (RunMetadata, "config_pb2", 3),
    ],
)
def test_every_field_is_the_one_of_tensorboards_file(ours: Any, module: str, count: int) -> None:
    their_messages = messages(theirs(module, ours.DESCRIPTOR.name).DESCRIPTOR, {})
    our_messages = messages(ours.DESCRIPTOR, {})
    assert len(our_messages) == count
    for name, each in our_messages.items():
        same_fields(each, their_messages[name], THEIRS_TO_BYTES)


def test_tensorboard_reads_what_we_write_and_writes_it_the_same() -> None:
    graph = GraphDef()
    graph.versions.producer = 22
    node = graph.node.add(name="a", op="Op", input=["b", "c:1"], device="/device:CPU:0")
    node.attr["attr"].s = b"text"
    node.attr["_output_shapes"].list.shape.add().dim.add(size=3)
    node.attr["tensor"].tensor = b"\x08\x01"
    data = graph.SerializeToString(deterministic=True)
    read = theirs("graph_pb2", "GraphDef").FromString(data)
    assert read.node[0].attr["tensor"].tensor.dtype == 1
    assert read.SerializeToString(deterministic=True) == data
