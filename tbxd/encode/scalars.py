"""SCALARS: values under many tags that become one event (``log``)."""

from __future__ import annotations

from tbxd_wire.records import Record

from .event import begin
from .fields import floats_of, value_of


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the one event of a SCALARS record; a record of no values makes none."""
    values = floats_of(value_of(record), "the value of a record of scalars")
    if not values:
        return []
    event = begin(record)
    add = event.summary.value.add
    for tag, value in values.items():
        add(tag=tag, simple_value=value)
    return [("", event.SerializeToString())]
