"""HISTOGRAM: the values of which a histogram is made."""

from __future__ import annotations

from tbxd_wire.errors import RecordError
from tbxd_wire.records import Record

from . import bins, distribution
from .event import begin
from .fields import fields_of


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a HISTOGRAM record."""
    field, wanted, max_bins = fields_of(record, 3)
    values = distribution.values_of(field)
    wanted = bins.check(wanted)
    if max_bins is not None and (type(max_bins) is not int or max_bins < 1):
        raise RecordError(f"max_bins must be a positive integer or nil, not {max_bins!r:.40}")
    event = begin(record)
    distribution.add_to(event.summary, record[1], values, wanted, max_bins)
    return [("", event.SerializeToString())]
