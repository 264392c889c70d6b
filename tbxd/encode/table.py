"""Which encoder makes the events of which kind: the ONE table of the kinds.

To add a kind: a number in tbxd_wire.kinds, its fields in tbxd_wire.records, a module here, a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from tbxd.format.projection import Projection
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind
from tbxd_wire.records import Record

from . import (
    audio,
    curve,
    custom_scalars,
    embedding,
    foreign_event,
    graph,
    graph_def,
    heatmap,
    histogram,
    histogram_raw,
    hparams,
    image,
    image_boxes,
    mesh,
    parameter,
    pr_curve,
    pr_curve_raw,
    run_metadata,
    scalar,
    scalar_group,
    scalars,
    session_start,
    summary,
    surface,
    tensor,
    text,
    video,
)
from .fields import floats_of, value_of

_Made = TypeVar("_Made")

SLOW_FROM_BYTES = 16 * 1024
"""A record of so many bytes is encoded beside the intake, whatever its kind: 4,096 float32 make a
histogram in 0.2 to 0.4 ms, and what is shorter does not pay for the way to another thread."""


def _own_tag(record: Record) -> Iterable[str]:
    return (record[1],)


def _no_tag(record: Record) -> Iterable[str]:
    return ()


def _tags_of_scalars(record: Record) -> Iterable[str]:
    return floats_of(value_of(record), "the value of a record of scalars").keys()


@dataclass(frozen=True, slots=True)
class _Row:
    """What there is to know of one kind."""

    encode: Callable[[Record], list[tuple[str, bytes]]]
    """Makes its events: see :func:`encode`."""
    tags: Callable[[Record], Iterable[str]] = _own_tag
    """The tags whose steps a record moves on."""
    slow: bool = False
    """Whether a record of few bytes may take more than about half a millisecond all the same."""
    beside: Callable[[Record], Projection] | None = None
    """Makes the files that belong beside the event file, if the kind has any."""


_ROWS: dict[int, _Row] = {
    Kind.SCALAR: _Row(scalar.encode_record),
    Kind.SCALAR_GROUP: _Row(scalar_group.encode_record),
    Kind.SCALARS: _Row(scalars.encode_record, tags=_tags_of_scalars),
    Kind.TEXT: _Row(text.encode_record),
    Kind.SESSION_START: _Row(session_start.encode_record, tags=_no_tag),
    # A few numbers may be asked for in many bins, or in bins that take long to find.
    Kind.HISTOGRAM: _Row(histogram.encode_record, slow=True),
    Kind.HISTOGRAM_RAW: _Row(histogram_raw.encode_record),
    Kind.PARAMETER: _Row(parameter.encode_record),
    Kind.TENSOR: _Row(tensor.encode_record),
    Kind.PR_CURVE: _Row(pr_curve.encode_record),
    Kind.PR_CURVE_RAW: _Row(pr_curve_raw.encode_record),
    Kind.AUDIO: _Row(audio.encode_record),
    Kind.MESH: _Row(mesh.encode_record),
    # A byte is enough for a point, and a point becomes 39 of them.
    Kind.SURFACE: _Row(surface.encode_record, slow=True),
    Kind.HPARAMS: _Row(hparams.encode_record, tags=hparams.tags),
    Kind.CUSTOM_SCALARS: _Row(custom_scalars.encode_record, tags=custom_scalars.tags),
    # Its tag names files, and may be that of a curve as well.
    Kind.EMBEDDING: _Row(embedding.encode_record, tags=_no_tag, slow=True, beside=embedding.files),
    Kind.IMAGE: _Row(image.encode_record, slow=True),
    Kind.IMAGE_BOXES: _Row(image_boxes.encode_record, slow=True),
    Kind.VIDEO: _Row(video.encode_record, slow=True),
    Kind.CURVE: _Row(curve.encode_record, slow=True),
    Kind.HEATMAP: _Row(heatmap.encode_record, slow=True),
    Kind.GRAPH: _Row(graph.encode_record, tags=_no_tag, slow=True),
    Kind.GRAPH_DEF: _Row(graph_def.encode_record, tags=_no_tag),
    Kind.RUN_METADATA: _Row(run_metadata.encode_record, tags=_no_tag),
    Kind.SUMMARY: _Row(summary.encode_record, tags=summary.tags),
    Kind.EVENT: _Row(foreign_event.encode_record, tags=foreign_event.tags),
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
    return _of_our_own(_row(record[0]).encode, record)


def beside(record: Record) -> Projection | None:
    """Return the files that belong beside the event file of a record; None for most kinds.

    Raises:
        As :func:`encode`.
    """
    make = _row(record[0]).beside
    return None if make is None else _of_our_own(make, record)


def tags(record: Record) -> Iterable[str]:
    """Return the tags whose steps a record moves on; none for a kind without a tag.

    Raises:
        As :func:`encode`.
    """
    return _row(record[0]).tags(record)


def is_slow(record: Record, record_bytes: int) -> bool:
    """Return whether encoding a record of so many bytes would hold up everybody else.

    Raises:
        UnknownKind: no encoder for this kind.
    """
    return record_bytes >= SLOW_FROM_BYTES or _row(record[0]).slow


def _of_our_own(make: Callable[[Record], _Made], record: Record) -> _Made:
    """Return what an encoder makes. It asks no file system, so none of its errors is of one.

    A library that it uses may have such an error all the same.
    """
    try:
        return make(record)
    except OSError as error:
        raise RuntimeError(repr(error)) from error


def _row(kind: int) -> _Row:
    row = _ROWS.get(kind)
    if row is None:
        raise UnknownKind(kind)
    return row
