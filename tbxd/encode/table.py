"""Which encoder makes the events of which kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind
from tbxd_wire.records import Record

from . import scalar, scalar_group, scalars, session_start, text
from .fields import floats_of, value_of

_ENCODERS: dict[int, Callable[[Record], list[tuple[str, bytes]]]] = {
    Kind.SCALAR: scalar.encode_record,
    Kind.SCALAR_GROUP: scalar_group.encode_record,
    Kind.SCALARS: scalars.encode_record,
    Kind.TEXT: text.encode_record,
    Kind.SESSION_START: session_start.encode_record,
}


class UnknownKind(RecordError):
    """A record of a kind that this release does not know: it is skipped and counted.

    A journal may have been written by a later release; the records around it are good.
    """

    def __init__(self, kind: int) -> None:
        super().__init__(f"records of kind {kind} are unknown to this release")
        self.kind = kind


def encode(record: Record) -> list[tuple[str, bytes]]:
    """Return the events of a decoded record.

    Args:
        record: as :func:`tbxd_wire.records.decode` returns it; the value is checked here.

    Returns:
        Pairs of a directory relative to the author's ("" for that itself) and a serialized Event.

    Raises:
        UnknownKind: no encoder for this kind.
        RecordError: the value does not fit its kind; it says what was expected and what came.

    Guarantees:
        At most one event per directory, and the same bytes for the same record: recovery tells
        events apart by the frames they come from (tbxd.format.progress).
    """
    encoder = _ENCODERS.get(record[0])
    if encoder is None:
        raise UnknownKind(record[0])
    return encoder(record)


def tags(record: Record) -> Iterable[str]:
    """Return the tags whose steps a record moves on; none for a kind without a tag.

    Raises:
        RecordError: as :func:`encode`, for the kind whose tags are in its value.
    """
    if record[0] == Kind.SESSION_START:
        return ()
    if record[0] == Kind.SCALARS:
        return floats_of(value_of(record), "the value of a record of scalars").keys()
    return (record[1],)
