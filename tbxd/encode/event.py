"""The frame of every event: its time and its step."""

from __future__ import annotations

from tbxd.proto.event_pb2 import Event
from tbxd_wire.records import Record


def begin(record: Record) -> Event:
    """Return a new event with the wall time and the step of ``record``; None leaves it unset."""
    event = Event(wall_time=record[3])
    if record[2] is not None:
        event.step = record[2]
    return event


def emptied(event: bytes) -> bytes:
    """Return a serialized event without what it holds: its wall time and its step."""
    found = Event.FromString(event)
    return Event(wall_time=found.wall_time, step=found.step).SerializeToString()
