"""EMBEDDING: points of a space with labels and pictures, for the projector.

The projector reads files beside the event file. What becomes of a record in the event file is an
event that holds nothing but its time and step: by it TensorBoard knows the run, and the daemon
that the record was dealt with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tbxd.format.projection import METADATA, SPRITE, Projection
from tbxd_wire.arrays import Array
from tbxd_wire.errors import RecordError
from tbxd_wire.paths import directory_of_tag
from tbxd_wire.records import COMMON_FIELDS, Record

from . import labels, points, sprite
from .arrays import array_of
from .event import begin

_FIELDS = 4


@dataclass(frozen=True, slots=True)
class _Checked:
    """The fields of a record that fit each other."""

    points: Array
    rows: list[list[str]] | None
    header: list[str] | None
    pictures: Array | None


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of an EMBEDDING record."""
    _check(record)
    return [("", begin(record).SerializeToString())]


def files(record: Record) -> Projection:
    """Return the files of an EMBEDDING record; a record without a step is that of step 0.

    Raises:
        RecordError: as :func:`encode_record`, and for points of which TensorBoard could read no
            file (tbxd.encode.points).
    """
    found = _check(record)
    name, content = points.file_of(found.points)
    contents = {name: content}
    if found.rows is not None:
        contents[METADATA] = labels.tsv(found.header, found.rows)
    size = None
    if found.pictures is not None:
        contents[SPRITE] = sprite.png(found.pictures)
        _, _, height, width = found.pictures.shape
        size = width, height
    count, dimensions = found.points.shape
    return Projection(record[1], record[2] or 0, (count, dimensions), contents, size)


def _check(record: Record) -> _Checked:
    """Return the fields of a record, with their types known and their lengths compared."""
    given = record[COMMON_FIELDS : COMMON_FIELDS + _FIELDS]
    if len(given) < _FIELDS:
        raise RecordError(f"an embedding has {_FIELDS} fields of its own, not {len(given)}")
    directory_of_tag(record[1])
    space = array_of(given[0], "an embedding's points")
    if len(space.shape) != 2 or 0 in space.shape:
        raise RecordError(
            f"an embedding's points must have the shape (points, dimensions), not {space.shape}"
        )
    if space.dtype.startswith("complex"):
        raise RecordError(f"an embedding's points must be real numbers, not {space.dtype}")
    rows, header = _table(given[1], given[2], space.shape[0])
    pictures = None
    if given[3] is not None:
        pictures = array_of(given[3], "an embedding's pictures")
        sprite.check(pictures, space.shape[0])
    return _Checked(space, rows, header, pictures)


def _table(rows: Any, header: Any, count: int) -> tuple[list[list[str]] | None, list[str] | None]:
    """Return the labels of ``count`` points and the names of their columns."""
    if header is not None:
        _strings(header, "an embedding's header")
    if rows is None:
        return None, None
    if type(rows) is not list or len(rows) != count:
        what = f"{len(rows)} rows" if type(rows) is list else type(rows).__name__
        raise RecordError(f"an embedding's metadata must be {count} rows, not {what}")
    columns = 1 if header is None else len(header)
    for row in rows:
        if len(_strings(row, "a row of an embedding's metadata")) != columns:
            raise RecordError(
                f"a row of an embedding's metadata must have {columns} values, not {len(row)}"
            )
    return rows, header


def _strings(value: Any, name: str) -> list[str]:
    """Return a list of at least one str."""
    if type(value) is not list or not value or not all(type(each) is str for each in value):
        raise RecordError(f"{name} must be a list of str, not {value!r:.60}")
    return value
