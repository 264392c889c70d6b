"""An event that holds a picture."""

from __future__ import annotations

from tbxd.proto.event_pb2 import Event
from tbxd_wire.records import Record

from . import png
from .arrays import NDArray
from .event import begin


def event_of(record: Record, pixels: NDArray) -> Event:
    """Return the event of a picture under the record's tag.

    Args:
        pixels: uint8 of shape (height, width, channels 1 to 4). What the event says of them is
            what is in the file: grey stays grey, where the peers store three equal channels.
    """
    event = begin(record)
    store(event, record[1], pixels.shape, png.encode(pixels))
    return event


def store(event: Event, tag: str, shape: tuple[int, ...], encoded: bytes) -> None:
    """Add a picture of ``shape`` (height, width, channels) to an event."""
    image = event.summary.value.add(tag=tag).image
    image.height, image.width, image.colorspace = shape
    image.encoded_image_string = encoded
