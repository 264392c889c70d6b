"""What several targets are made of: frames of every kind, and a look at what became of them."""

from __future__ import annotations

import os

from tbxd.proto.event_pb2 import Event
from tbxd.reading.events import event_files
from tbxd.reading.records import RecordFile
from tbxd_wire import frame
from tests.tbxd.hellos import scalar_frame

from . import mend, seeds
from .cursor import Cursor

_FRAMES = [*(scalar_frame(step) for step in range(4)), *map(frame.encode, seeds.record())]
_RAW = 127


def frames(cursor: Cursor) -> bytes:
    """Return some frames, whole ones of a table or whatever bytes the input has."""
    found = b""
    for _ in range(cursor.byte() % 8):
        number = cursor.byte()
        found += cursor.some() if number >= _RAW else _FRAMES[number % len(_FRAMES)]
        if number % 2:
            found = mend.frames(found)
    return found


def check_event_files(root: str) -> None:
    """Fail if an event file somewhere below ``root`` is not whole to its last byte."""
    for directory, _, _ in os.walk(root):
        for path in event_files(directory):
            with RecordFile(path) as file:
                reached = 0
                for end, event in file.walk():
                    Event.FromString(event)
                    reached = end
                assert reached == file.size
