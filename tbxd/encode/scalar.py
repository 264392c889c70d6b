"""SCALAR: one value under one tag.

:func:`encode` is the daemon's hottest function and packs the event by hand. The bytes are those
that protobuf makes of the same event (the tests compare them); it takes two thirds of the time,
because nearly everything is looked up: the tag's part of the event, and the step's varint in two
halves. What is rare goes through protobuf.
"""

from __future__ import annotations

import math
import struct

from tbxd.proto.event_pb2 import DT_DOUBLE, DT_FLOAT, Summary
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import ScalarForm
from tbxd_wire.records import COMMON_FIELDS, Record

from .event import begin
from .fields import float_of, text_of, value_of
from .varint import varint

_PLUGIN = "scalars"
_NO_OPTIONS: Record = [int(ScalarForm.SIMPLE), "", ""]

# Event fields: wall_time = 1 (fixed64), step = 2 (varint), summary = 5 (message).
# Summary: value = 1 (message). Value: tag = 1 (string), simple_value = 2 (fixed32).
_WALL_TIME = b"\x09"
_STEP = b"\x10"
_SUMMARY = b"\x2a"
_VALUE = b"\x0a"
_TAG = b"\x0a"
_SIMPLE_VALUE = b"\x15"
_SIMPLE_VALUE_BYTES = 4

_pack_wall_time = struct.Struct("<cd").pack
_pack_value = struct.Struct("<f").pack
_join = b"".join

_LOW_BITS = 14
_LOW = 1 << _LOW_BITS
_LOW_MASK = _LOW - 1
_HIGH_MASK = (1 << (64 - _LOW_BITS)) - 1

_short_steps = [b""] + [_STEP + varint(step) for step in range(1, _LOW)]
"""The step field of the steps that fit into two bytes; 0 is not stored."""
_low_steps = [_STEP + bytes((low & 0x7F | 0x80, low >> 7 | 0x80)) for low in range(_LOW)]
"""The step field up to the low 14 bits, when more bits follow."""

_KEPT = 1 << 14
"""Entries each of the caches below may hold; a full one is emptied."""
_KEPT_TAG_CHARACTERS = 512
"""A longer tag is not kept, so that hostile ones cannot fill the memory."""


class _HighSteps(dict[int, bytes]):
    """The varint of a step without its low 14 bits: one entry serves 16384 steps."""

    def __missing__(self, high: int) -> bytes:
        if len(self) >= _KEPT:
            self.clear()
        packed = self[high] = varint(high & _HIGH_MASK)
        return packed


class _Prefixes(dict[str, bytes]):
    """An event's bytes from its summary field up to the float32, for each tag."""

    def __missing__(self, tag: str) -> bytes:
        encoded = tag.encode()
        value = _SIMPLE_VALUE
        if encoded:
            value = _TAG + varint(len(encoded)) + encoded + value
        value_bytes = len(value) + _SIMPLE_VALUE_BYTES
        value = _VALUE + varint(value_bytes) + value
        prefix = _SUMMARY + varint(len(value) + _SIMPLE_VALUE_BYTES) + value
        if len(tag) <= _KEPT_TAG_CHARACTERS:
            if len(self) >= _KEPT:
                self.clear()
            self[tag] = prefix
        return prefix


_high_steps = _HighSteps()
_prefixes = _Prefixes()


def encode(tag: str, step: int | None, wall_time: float, value: float) -> bytes:
    """Return the serialized event of one scalar as ``simple_value``, a float32.

    Args:
        tag: as the event shall have it.
        step: an int64, or None to leave it unset.
        wall_time: seconds since 1970, finite.
        value: what is beyond a float32 becomes an infinity.

    Raises:
        RecordError: ``value`` is no float. The other arguments are what records.decode checked.
    """
    if type(value) is not float:
        raise RecordError(f"a scalar's value must be a float64, not {type(value).__name__}")
    if step is None:
        step_field = b""
    elif 0 <= step < _LOW:
        step_field = _short_steps[step]
    else:
        step_field = _low_steps[step & _LOW_MASK] + _high_steps[step >> _LOW_BITS]
    try:
        packed = _pack_value(value)
    except OverflowError:
        packed = _pack_value(math.copysign(math.inf, value))
    # A zero is not stored. Nobody logs at the beginning of 1970; this keeps the bytes protobuf's.
    clock = _pack_wall_time(_WALL_TIME, wall_time) if wall_time else b""
    return _join((clock, step_field, _prefixes[tag], packed))


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a SCALAR record of any form."""
    value = float_of(value_of(record), "a scalar's value")
    form, display_name, description = _options(record)
    if form is ScalarForm.SIMPLE and not display_name and not description:
        return [("", encode(record[1], record[2], record[3], value))]
    event = begin(record)
    added = event.summary.value.add(tag=record[1])
    if form is ScalarForm.SIMPLE:
        added.simple_value = value
    else:
        _fill_tensor(added, form, value)
    if display_name:
        added.metadata.display_name = display_name
    if description:
        added.metadata.summary_description = description
    return [("", event.SerializeToString())]


def _options(record: Record) -> tuple[ScalarForm, str, str]:
    """Return form, display name and description, each with its default where it is absent."""
    given = record[COMMON_FIELDS + 1 : COMMON_FIELDS + 4]
    number, name, description = given + _NO_OPTIONS[len(given) :]
    if type(number) is not int:
        raise RecordError(f"a scalar's form must be a number, not {type(number).__name__}")
    try:
        form = ScalarForm(number)
    except ValueError:
        raise RecordError(f"a scalar's form {number} is unknown") from None
    return (
        form,
        text_of(name, "a scalar's display name"),
        text_of(description, "a scalar's description"),
    )


def _fill_tensor(target: Summary.Value, form: ScalarForm, value: float) -> None:
    """Store ``value`` for the scalars plugin, as a tensor without dimensions."""
    target.metadata.plugin_data.plugin_name = _PLUGIN
    if form is ScalarForm.DOUBLE_TENSOR:
        target.tensor.dtype = DT_DOUBLE
        target.tensor.double_val.append(value)
    else:
        target.tensor.dtype = DT_FLOAT
        target.tensor.float_val.append(value)
