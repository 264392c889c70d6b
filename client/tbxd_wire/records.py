"""What each kind's record holds: the msgpack array that is a frame's body.

Every record begins with the same four fields and stands alone, so that any suffix of a journal
can be applied without what came before::

    [kind, tag, step, wall_time, value, ...]

    kind       u8, tbxd_wire.kinds.Kind
    tag        str, in full; "" for the kinds that have none
    step       int64, or nil for "no step given"
    wall_time  float64 (or an integer), seconds since 1970, always finite

    SCALAR         value float64, [form u8, display_name str, description str]
    SCALAR_GROUP   value {sub-run name: float64}; each goes to <run>/<tag>/<sub-run name>
    SCALARS        value {tag: float64}; tag is ""
    TEXT           value str, Markdown
    SESSION_START  no value; step is where the run goes on; tag is ""

Fields in brackets may be absent. New fields are only ever appended; a reader ignores those that
it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import msgpack

from .errors import RecordError
from .kinds import Kind, ScalarForm
from .limits import STEP_MAX, STEP_MIN

COMMON_FIELDS = 4

# One packer for all threads: packing plain values runs no Python code, so the interpreter lock
# makes each call atomic, and a call that raises leaves the packer empty.
pack: Callable[[object], bytes] = msgpack.Packer(autoreset=True).pack
"""Packs the fields of a record. The functions below do so for each kind but a plain scalar, which
the writer packs on the spot: ``pack((SCALAR, tag, step, wall_time, value))``."""

SCALAR = int(Kind.SCALAR)

_unpack = msgpack.unpackb

Record = list[Any]
"""A decoded record: the array's fields in order."""


def scalar_of_form(
    tag: str,
    step: int | None,
    wall_time: float,
    value: float,
    form: ScalarForm,
    display_name: str,
    description: str,
) -> bytes:
    """One scalar with the optional fields."""
    fields = (SCALAR, tag, step, wall_time, value, int(form), display_name, description)
    return pack(fields)


def scalar_group(tag: str, step: int | None, wall_time: float, values: dict[str, float]) -> bytes:
    """Scalars under one tag, each key a sub-run of its own."""
    return pack((int(Kind.SCALAR_GROUP), tag, step, wall_time, values))


def scalars(step: int | None, wall_time: float, values: dict[str, float]) -> bytes:
    """Scalars under many tags that become one event."""
    return pack((int(Kind.SCALARS), "", step, wall_time, values))


def text(tag: str, step: int | None, wall_time: float, markdown: str) -> bytes:
    """A piece of Markdown."""
    return pack((int(Kind.TEXT), tag, step, wall_time, markdown))


def session_start(step: int, wall_time: float) -> bytes:
    """The run goes on at ``step``."""
    return pack((int(Kind.SESSION_START), "", step, wall_time))


def decode(body: bytes | memoryview) -> Record:
    """Return the fields of a record whose first four are checked; the value is not.

    Raises:
        RecordError: not msgpack, not an array, or a common field of a wrong type or range. An
            unknown kind is no error here: the caller skips and counts it.
    """
    try:
        record = _unpack(body)
        kind, tag, step, wall_time, *_ = record
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise RecordError(f"not a record of {COMMON_FIELDS} or more fields: {error}") from None
    if type(record) is not list or type(kind) is not int:
        raise RecordError("a record is an array that begins with its kind")
    if type(tag) is not str:
        raise RecordError(f"the tag must be a str, not {type(tag).__name__}")
    if step is not None and (type(step) is not int or not STEP_MIN <= step <= STEP_MAX):
        raise RecordError(f"the step must be an int64 or nil, not {step!r:.40}")
    if type(wall_time) is int:
        # Whole seconds, as a simulated clock may give them; NaN stays what it is.
        wall_time = record[3] = float(wall_time)
    if type(wall_time) is not float or not isfinite(wall_time):
        raise RecordError(f"the wall time must be a finite float64, not {wall_time!r:.40}")
    return record
