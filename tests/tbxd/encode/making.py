"""Records as a client makes them, and the events that become of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tbxd.encode import encode
from tbxd.proto.event_pb2 import Event
from tbxd_wire import frame, records
from tbxd_wire.arrays import ITEM_BYTES
from tbxd_wire.kinds import Kind
from tbxd_wire.records import Record

WALL_TIME = 1_700_000_000.25


@dataclass(frozen=True)
class Anything:
    """An array of any dtype and shape there is, also of shapes that numpy does not allow."""

    dtype: str
    shape: tuple[int, ...]
    pattern: bytes
    """The elements begin with these bytes, over and over."""

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * ITEM_BYTES[self.dtype]

    def copy_to(self, target: memoryview) -> None:
        target[:] = (self.pattern * self.nbytes)[: self.nbytes]


def record_of(kind: Kind, tag: str, *fields: object, step: int | None = 3) -> Record:
    """Return a record with ``fields``, among them arrays of ``tbxd_client.arrays.source``, as it
    comes out of a journal."""
    return records.decode(body_of(kind, tag, *fields, step=step))


def body_of(kind: Kind, tag: str, *fields: object, step: int | None = 3) -> bytes:
    """Return the body of a frame with such a record."""
    ((_, body),) = frame.walk(frame_of(kind, tag, *fields, step=step))
    return bytes(body)


def frame_of(kind: Kind, tag: str, *fields: object, step: int | None = 3) -> bytes:
    """Return the frame of such a record."""
    record, sources = records.encode_before(kind, tag, step, WALL_TIME, *fields)
    if not sources:
        return frame.encode(record)
    whole = bytearray(frame.encode_before(record, sum(each.nbytes for each in sources)))
    for each in sources:
        start = len(whole)
        whole += bytes(each.nbytes)
        each.copy_to(memoryview(whole)[start:])
    return bytes(whole)


def events_of(kind: Kind, tag: str, *fields: object, step: int | None = 3) -> dict[str, Any]:
    """Return the event for each directory."""
    pairs = encode(record_of(kind, tag, *fields, step=step))
    return {place: Event.FromString(data) for place, data in pairs}
