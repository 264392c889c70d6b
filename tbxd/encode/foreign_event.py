"""EVENT: an Event that somebody else has serialized.

What it is about goes into the file as it is. What would speak for the file itself does not: its
header is ours, and so are the commit marks (tbxd.format.marks).
"""

from __future__ import annotations

from collections.abc import Iterable

from tbxd.format.header import FILE_VERSION
from tbxd.format.marks import PREFIX
from tbxd.proto.event_pb2 import Event
from tbxd.proto.graph_pb2 import GraphDef, MetaGraphDef, RunMetadata
from tbxd_wire.errors import RecordError
from tbxd_wire.records import Record

from . import summary
from .fields import value_of
from .serialized import bytes_of, is_long, parse, parse_known

_OUR_PATHS = PREFIX[: PREFIX.index(":") + 1]
"""How the checkpoint path of every version of our marks begins."""


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of an EVENT record; that of a file's version makes none.

    The graph of a meta graph takes its place. It is all that is ever shown of one, and one that
    is no message stops TensorBoard's loader.
    """
    event = parse_known(Event, bytes_of(value_of(record), "an event"))
    what = event.WhichOneof("what")
    if what == "file_version":
        if event.file_version != FILE_VERSION:
            raise RecordError(
                f"the file's version is {FILE_VERSION}, not {event.file_version[:40]!r}"
            )
        return []
    if what == "session_log" and event.session_log.checkpoint_path.startswith(_OUR_PATHS):
        raise RecordError(f"a checkpoint path that begins with {_OUR_PATHS} is a commit mark's")
    if what == "summary":
        summary.check(event.summary)
    elif what == "meta_graph_def":
        event.graph_def = parse(MetaGraphDef, event.meta_graph_def).graph_def
        what = "graph_def"
    if what == "graph_def":
        parse(GraphDef, event.graph_def)
    elif what == "tagged_run_metadata":
        parse(RunMetadata, event.tagged_run_metadata.run_metadata)
    event.ClearField("source_metadata")
    event.wall_time = record[3]
    if record[2] is not None:
        event.step = record[2]
    return [("", event.SerializeToString())]


def tags(record: Record) -> Iterable[str]:
    """Return the tags of the values, if the event is a summary; of a long one none."""
    data = bytes_of(value_of(record), "an event")
    return () if is_long(data) else [value.tag for value in parse_known(Event, data).summary.value]
