"""SESSION_START: the run goes on at a step (``purge_step``).

Readers that know it drop what they hold from that step on. It needs the file version of the file
it is in, which every file of the daemon begins with.
"""

from __future__ import annotations

from tbxd.proto.event_pb2 import SessionLog
from tbxd_wire.errors import RecordError
from tbxd_wire.records import Record

from .event import begin


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a SESSION_START record."""
    if record[2] is None:
        raise RecordError("a session start names the step at which the run goes on, this one none")
    event = begin(record)
    event.session_log.status = SessionLog.START
    return [("", event.SerializeToString())]
