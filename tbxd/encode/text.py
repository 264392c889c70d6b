"""TEXT: a piece of Markdown, as the text plugin reads it."""

from __future__ import annotations

from tbxd.proto.event_pb2 import DT_STRING, Event
from tbxd_wire.records import Record

from .fields import text_of, value_of

TAG_SUFFIX = "/text_summary"
"""Both peers append this to the tag, and dashboards show it."""

_PLUGIN = "text"


def encode(tag: str, step: int | None, wall_time: float, markdown: str) -> bytes:
    """Return the serialized event of one text: a string tensor of shape [1].

    The plugin's own content is a message that says "version 0", which has no bytes.

    Args:
        tag: as the event shall have it.
        step: an int64, or None to leave it unset.
        wall_time: seconds since 1970, finite.
        markdown: what is shown.
    """
    event = Event(wall_time=wall_time)
    if step is not None:
        event.step = step
    value = event.summary.value.add(tag=tag)
    value.metadata.plugin_data.plugin_name = _PLUGIN
    value.tensor.dtype = DT_STRING
    value.tensor.tensor_shape.dim.add(size=1)
    value.tensor.string_val.append(markdown.encode())
    return event.SerializeToString()


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a TEXT record."""
    _, tag, step, wall_time = record[:4]
    markdown = text_of(value_of(record), "a text")
    return [("", encode(tag + TAG_SUFFIX, step, wall_time, markdown))]
