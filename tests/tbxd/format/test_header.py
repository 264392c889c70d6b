from __future__ import annotations

from tensorboard.compat.proto.event_pb2 import Event

from tbxd.format import header


def test_it_is_the_first_event_of_a_file() -> None:
    event = Event.FromString(header.encode(1.5))
    assert event.wall_time == 1.5
    assert event.file_version == "brain.Event:2"
    assert event.source_metadata.writer == "tbxd"


def test_only_our_own_is_ours() -> None:
    assert header.is_ours(header.encode(1.5))
    assert not header.is_ours(Event(file_version="brain.Event:2").SerializeToString())
    assert not header.is_ours(b"")
    assert not header.is_ours(b"\xff\xff garbage")
