"""TEXT: a piece of Markdown, as the text plugin reads it."""

from __future__ import annotations

from tbxd.proto.event_pb2 import DT_STRING
from tbxd_wire.records import Record

from .event import begin
from .fields import text_of, value_of

TAG_SUFFIX = "/text_summary"
"""Both peers append this to the tag, and dashboards show it."""

_PLUGIN = "text"


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a TEXT record: a string tensor of shape [1].

    The plugin's own content is a message that says "version 0", which has no bytes.
    """
    markdown = text_of(value_of(record), "a text")
    event = begin(record)
    value = event.summary.value.add(tag=record[1] + TAG_SUFFIX)
    value.metadata.plugin_data.plugin_name = _PLUGIN
    value.tensor.dtype = DT_STRING
    value.tensor.tensor_shape.dim.add(size=1)
    value.tensor.string_val.append(markdown.encode())
    return [("", event.SerializeToString())]
