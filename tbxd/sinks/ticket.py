"""One round on its way to its event file."""

from __future__ import annotations

from math import inf

from .event_file import EventFile


class Ticket:
    """Takes a round to its file, once, and tells whether it is committed yet.

    Args:
        file: where it goes.
        buffer: whole records.
        only_here: drop it if the file that is being written was taken away, and nothing else makes
            a new one.
    """

    __slots__ = ("_buffer", "_offset", "_only_here", "file")

    def __init__(self, file: EventFile, buffer: bytes, *, only_here: bool = False) -> None:
        self.file = file
        self._buffer = buffer
        self._only_here = only_here
        self._offset = inf

    @property
    def is_delivered(self) -> bool:
        """Whether the file has it."""
        return self._offset < inf

    def deliver(self) -> None:
        """Append the round to its file. Belongs to the thread that the file belongs to."""
        self._offset = self.file.append(self._buffer, only_here=self._only_here)
        self._buffer = b""

    def committed(self, fsync: bool = False) -> bool:
        """Return whether the whole round is written, or with ``fsync`` on stable storage."""
        return (self.file.synced if fsync else self.file.written) >= self._offset
