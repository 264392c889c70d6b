"""The commit marks of one file, and how much of what they announce is there.

A file of the daemon is a header, then rounds: a mark, then the events it accounts for. The mark
says how long its round is, so finding all marks of a file takes one small read for each, however
many events lie between them. Only a round that has no mark behind it can be torn, and only its
events are walked through and counted.

A trainer that logs all day a little at a time leaves millions of small rounds, so going from mark
to mark parses none of them: that is for those that turn out to matter.
"""

from __future__ import annotations

from collections.abc import Iterator

from tbxd.format import header, marks

from .records import DamagedFile, RecordFile


def rounds(file: RecordFile) -> Iterator[tuple[bytes, int | None]]:
    """Yield the mark of each round, serialized, and how many of its events are whole.

    The count is None where another round follows: all of them are. A file that the daemon did not
    write has no rounds, and what follows a torn or damaged place is not looked at: no reader gets
    there either.
    """
    first = _read(file, 0)
    if first is None or not header.is_ours(first[0]):
        return
    record = _read(file, first[1])
    while record is not None:
        data, start = record
        event_bytes = marks.event_bytes(data)
        if event_bytes is None:
            return
        record = _read(file, start + event_bytes)
        if record is None or marks.event_bytes(record[0]) is None:
            yield data, file.count(start, start + event_bytes)
            return
        yield data, None


def sections(data: bytes, found: int | None) -> list[tuple[marks.Section, int]]:
    """Return the sections of what :func:`rounds` yielded, each with its number of whole events.

    What looked like a mark but is none has no sections.
    """
    mark = marks.parse(data)
    if mark is None:
        return []
    counted = []
    for section in mark.sections:
        whole = section.events if found is None else min(section.events, found)
        if found is not None:
            found -= whole
        counted.append((section, whole))
    return counted


def _read(file: RecordFile, offset: int) -> tuple[bytes, int] | None:
    """Return what may be a header or a mark at ``offset``, and the offset behind it."""
    try:
        return file.at(offset, marks.MARK_BYTES)
    except DamagedFile:
        return None
