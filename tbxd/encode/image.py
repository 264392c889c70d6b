"""IMAGE: a picture, or several in a grid, as a PNG."""

from __future__ import annotations

from tbxd_wire.records import Record

from .fields import fields_of
from .layout import picture_of
from .picture import event_of


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of an IMAGE record."""
    picture, layout = fields_of(record, 2)
    return [("", event_of(record, picture_of(picture, layout)).SerializeToString())]
