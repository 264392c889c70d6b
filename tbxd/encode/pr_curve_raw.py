"""PR_CURVE_RAW: a precision-recall curve as the caller has counted it."""

from __future__ import annotations

from tbxd_wire.errors import RecordError
from tbxd_wire.records import Record

from .arrays import array_of, floats_of_array
from .fields import value_of
from .pr_curve import ROWS, event_of


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a PR_CURVE_RAW record: all numbers as they came."""
    given = array_of(value_of(record), "a PR curve")
    if len(given.shape) != 2 or given.shape[0] != ROWS or not given.shape[1]:
        raise RecordError(f"a PR curve has the shape ({ROWS}, thresholds), not {given.shape}")
    return [("", event_of(record, floats_of_array(given, "a PR curve")))]
