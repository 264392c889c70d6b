"""GRAPH: a model's graph, node by node, as the graphs plugin reads it."""

from __future__ import annotations

from typing import Any, cast

from tbxd.proto.event_pb2 import DataType, TensorShapeProto
from tbxd.proto.graph_pb2 import AttrValue, GraphDef, NodeDef, VersionDef
from tbxd_wire.errors import RecordError
from tbxd_wire.limits import FRAME_BODY_BYTES
from tbxd_wire.records import Record

from .event import begin
from .fields import text_of, value_of
from .varint import varint

PRODUCER = 22
"""The version of GraphDef that both peers name."""

NODES = 1 << 18
"""Most nodes of a graph. A model of a hundred transformer layers has some ten thousand."""

_NODE_FIELDS = 5
_DESCRIBED_FIELDS = 2
_ATTRIBUTES = 1 << 10
_SHAPES = 1 << 10
_EXTENTS = 254
"""TensorFlow's limit of a tensor's dimensions."""
_EXTENT_MAX = (1 << 63) - 1
_TYPE_MAX = (1 << 31) - 1

# GraphDef: node = 1 (message).
_NODE = b"\x0a"
_VERSIONS = GraphDef(versions=VersionDef(producer=PRODUCER)).SerializeToString()


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a GRAPH record.

    The nodes are packed one by one, so that only one at a time takes the room of a message.
    """
    nodes = _list_of(value_of(record), "a graph's nodes", NODES)
    pieces = []
    size = len(_VERSIONS)
    for fields in nodes:
        packed = _node(fields).SerializeToString(deterministic=True)
        piece = _NODE + varint(len(packed)) + packed
        size += len(piece)
        if size > FRAME_BODY_BYTES:
            raise RecordError(f"a graph of more than {FRAME_BODY_BYTES} bytes")
        pieces.append(piece)
    event = begin(record)
    event.graph_def = b"".join([*pieces, _VERSIONS])
    return [("", event.SerializeToString())]


def _node(fields: Any) -> NodeDef:
    if type(fields) is not list or len(fields) < _NODE_FIELDS:
        raise RecordError("a node is a list of name, op, inputs, attributes and device")
    name, op, inputs, attributes, device = fields[:_NODE_FIELDS]
    node = NodeDef(
        name=text_of(name, "a node's name"),
        op=text_of(op, "a node's op"),
        device=text_of(device, "a node's device"),
    )
    node.input.extend(
        text_of(each, "a node's input") for each in _list_of(inputs, "a node's inputs")
    )
    if type(attributes) is not dict or len(attributes) > _ATTRIBUTES:
        raise RecordError(f"a node's attributes must be a map of up to {_ATTRIBUTES}")
    for key, described in attributes.items():
        _fill(node.attr[text_of(key, "an attribute's name")], described)
    return node


def _fill(target: AttrValue, described: Any) -> None:
    """Store what a record says of an attribute: its form and its value."""
    if type(described) is not list or len(described) != _DESCRIBED_FIELDS:
        raise RecordError("an attribute is a list of its form and its value")
    form, value = described
    if form == "s":
        target.s = text_of(value, "an attribute's text").encode()
    elif form == "type":
        if type(value) is not int or not 0 <= value <= _TYPE_MAX:
            raise RecordError(f"a type must be a number of DataType, not {value!r:.40}")
        target.type = cast(DataType, value)
    elif form == "shape":
        target.shape.SetInParent()
        _fill_shape(target.shape, value)
    elif form == "shapes":
        target.list.SetInParent()
        for shape in _list_of(value, "an attribute's shapes", _SHAPES):
            _fill_shape(target.list.shape.add(), shape)
    else:
        raise RecordError(f"an attribute has no form {form!r:.40}")


def _fill_shape(target: TensorShapeProto, shape: Any) -> None:
    for extent in _list_of(shape, "a shape", _EXTENTS):
        if type(extent) is not int or not -1 <= extent <= _EXTENT_MAX:
            raise RecordError(f"an extent must be a number from -1 on, not {extent!r:.40}")
        target.dim.add(size=extent)


def _list_of(value: Any, name: str, most: int | None = None) -> list[Any]:
    if type(value) is not list:
        raise RecordError(f"{name} must be a list, not {type(value).__name__}")
    if most is not None and len(value) > most:
        raise RecordError(f"{name} must be at most {most}, not {len(value)}")
    return value
