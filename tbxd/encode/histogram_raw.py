"""HISTOGRAM_RAW: a histogram as the caller has counted it."""

from __future__ import annotations

from tbxd_wire.errors import RecordError
from tbxd_wire.records import Record

from .arrays import NDArray, array_of, floats_of_array
from .event import begin
from .fields import fields_of, float_of

_NUMBERS = ("min", "max", "num", "sum", "sum_squares")


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a HISTOGRAM_RAW record: all numbers as they came."""
    *numbers, limits_field, counts_field = fields_of(record, len(_NUMBERS) + 2)
    limits = _row(limits_field, "bucket_limits")
    counts = _row(counts_field, "bucket_counts")
    if len(limits) != len(counts):
        raise RecordError(f"{len(limits)} bucket_limits and {len(counts)} bucket_counts")
    event = begin(record)
    histogram = event.summary.value.add(tag=record[1]).histo
    for name, number in zip(_NUMBERS, numbers, strict=True):
        setattr(histogram, name, float_of(number, f"a raw histogram's {name}"))
    histogram.bucket_limit.extend(limits.tolist())
    histogram.bucket.extend(counts.tolist())
    return [("", event.SerializeToString())]


def _row(field: object, name: str) -> NDArray:
    shape = array_of(field, name).shape
    if len(shape) != 1:
        raise RecordError(f"{name} must be in a row, not of shape {shape}")
    return floats_of_array(field, name)
