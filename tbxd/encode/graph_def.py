"""GRAPH_DEF: a model's graph that somebody else has serialized."""

from __future__ import annotations

from tbxd.proto.graph_pb2 import GraphDef
from tbxd_wire.records import Record

from .event import begin
from .fields import value_of
from .serialized import bytes_of, parse


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a GRAPH_DEF record: its bytes as they are, if they are a graph."""
    data = bytes_of(value_of(record), "a graph")
    parse(GraphDef, data)
    event = begin(record)
    event.graph_def = data
    return [("", event.SerializeToString())]
