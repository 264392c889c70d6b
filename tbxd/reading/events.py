"""The events of a file, and of all files of a directory, parsed."""

from __future__ import annotations

import os
from collections.abc import Iterator

from google.protobuf.message import DecodeError

from tbxd.format.names import MARKER
from tbxd.proto.event_pb2 import Event

from .records import DamagedFile, RecordFile


def event_files(directory: str, *, follow: bool = True) -> list[str]:
    """Return the paths of a directory's own event files, in the order in which they are read.

    A directory that does not exist has none; pipes and directories of such a name do not count,
    nor do links that lead nowhere.

    Args:
        directory: where to look.
        follow: whether links count at all. Without, no file system is asked but the directory's.

    Raises:
        OSError: it cannot be listed.
    """
    try:
        with os.scandir(directory) as entries:
            names = [
                entry.name for entry in entries if MARKER in entry.name and _is_file(entry, follow)
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [os.path.join(directory, name) for name in sorted(names)]


def _is_file(entry: os.DirEntry[str], follow: bool) -> bool:
    try:
        return entry.is_file(follow_symlinks=follow)
    except OSError:
        # A link to itself, say.
        return False


def events(path: str) -> Iterator[Event]:
    """Yield every event of one file, the header and the commit marks too.

    Ends silently at a torn record, as every reader does: its writer may still be at it.

    Raises:
        OSError: the file cannot be read.
        DamagedFile: a wrong checksum, or a record that is no event.
    """
    with RecordFile(path) as file:
        for end, data in file.walk():
            try:
                yield Event.FromString(data)
            except DecodeError:
                raise DamagedFile(path, end, "the record before is no event") from None


def events_of(directory: str) -> Iterator[Event]:
    """Yield every event of a directory's own files, in the order in which readers take them.

    Raises:
        OSError: the directory or a file cannot be read.
        DamagedFile: as :func:`events`.
    """
    for path in event_files(directory):
        yield from events(path)
