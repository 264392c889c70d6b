"""What TensorBoard's own reader finds in a run directory, byte for byte."""

from __future__ import annotations

from pathlib import Path

from tensorboard.backend.event_processing import event_file_loader

from tbxd.proto.event_pb2 import Event
from tests.crash import judge


def events_in(directory: Path) -> list[bytes]:
    """Return the serialized events that hold a summary, in the order in which they are read."""
    found = []
    for path in judge.event_files(directory):
        for event in event_file_loader.RawEventFileLoader(str(path)).Load():
            if Event.FromString(event).HasField("summary"):
                found.append(event)
    return found
