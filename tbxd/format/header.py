"""The first record of an event file: which format follows, and who wrote it.

Readers that see ``brain.Event:2`` honour session logs. The writer's name is how recovery knows
the files that have commit marks without walking through those that have none.
"""

from __future__ import annotations

from google.protobuf.message import DecodeError

from tbxd.proto.event_pb2 import Event, SourceMetadata

FILE_VERSION = "brain.Event:2"
WRITER = "tbxd"


def encode(wall_time: float) -> bytes:
    """Return the serialized Event that every file of the daemon begins with.

    Args:
        wall_time: seconds since 1970, finite.
    """
    event = Event(
        wall_time=wall_time,
        file_version=FILE_VERSION,
        source_metadata=SourceMetadata(writer=WRITER),
    )
    return event.SerializeToString()


def is_ours(data: bytes) -> bool:
    """Return whether the serialized Event ``data`` begins a file that this daemon wrote."""
    try:
        event = Event.FromString(data)
    except DecodeError:
        return False
    return event.file_version == FILE_VERSION and event.source_metadata.writer == WRITER
