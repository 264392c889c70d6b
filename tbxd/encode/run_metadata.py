"""RUN_METADATA: what ran where and how long, shown beside a graph; serialized by somebody else."""

from __future__ import annotations

from tbxd.proto.graph_pb2 import RunMetadata
from tbxd_wire.records import Record

from .event import begin
from .fields import value_of
from .serialized import bytes_of, parse


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a RUN_METADATA record: its bytes as they are, if they are one."""
    data = bytes_of(value_of(record), "run metadata")
    parse(RunMetadata, data)
    event = begin(record)
    event.tagged_run_metadata.tag = record[1]
    event.tagged_run_metadata.run_metadata = data
    return [("", event.SerializeToString())]
