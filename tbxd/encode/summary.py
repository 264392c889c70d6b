"""SUMMARY: a Summary that somebody else has serialized, under whatever tags it has."""

from __future__ import annotations

from collections.abc import Iterable

from tbxd.proto.event_pb2 import Summary
from tbxd_wire.errors import RecordError
from tbxd_wire.records import Record

from .event import begin
from .fields import value_of
from .serialized import bytes_of, is_long, parse_known


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a SUMMARY record."""
    found = parse_known(Summary, bytes_of(value_of(record), "a summary"))
    check(found)
    event = begin(record)
    event.summary.CopyFrom(found)
    return [("", event.SerializeToString())]


def tags(record: Record) -> Iterable[str]:
    """Return the tags of the summary's values; of a long one none."""
    data = bytes_of(value_of(record), "a summary")
    return () if is_long(data) else [value.tag for value in parse_known(Summary, data).value]


def check(summary: Summary) -> None:
    """Refuse what a reader would fail on.

    Raises:
        RecordError: a histogram whose edges and counts are not as many. TensorBoard's Python
            loader raises on it and shows nothing of the run from there on.
    """
    for value in summary.value:
        edges, counts = len(value.histo.bucket_limit), len(value.histo.bucket)
        if edges != counts:
            raise RecordError(
                f"the histogram {value.tag[:80]!r} has {edges} edges for {counts} buckets"
            )
