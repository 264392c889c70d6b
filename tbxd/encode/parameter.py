"""PARAMETER: the values of a tensor, for a histogram and its Euclidean norm in one event."""

from __future__ import annotations

from tbxd_wire.records import Record

from . import distribution
from .event import begin
from .fields import value_of
from .moments import norm

NORM_SUFFIX = "/norm"
"""Appended to the tag for the scalar."""


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a PARAMETER record.

    The norm is of all values: NaN or infinite if one of them is, while the histogram is of the
    finite ones.
    """
    values = distribution.values_of(value_of(record))
    event = begin(record)
    moments = distribution.add_to(event.summary, record[1], values)
    event.summary.value.add(tag=record[1] + NORM_SUFFIX, simple_value=norm(values, moments))
    return [("", event.SerializeToString())]
