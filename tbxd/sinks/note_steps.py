"""The steps of a directory's notes: each above that of any note that is there."""

from __future__ import annotations

import contextlib
import os

from tbxd.reading.events import event_files

from .disk import Disk
from .event_file import EventFile

_NOTES_OF_A_FILE = 1000
"""So many notes one file may have beyond those that the clock alone numbers. In milliseconds also
far more than the coarser clock of a file system is behind."""


class NoteSteps:
    """Numbers the notes of one directory.

    Args:
        disk: where it lies.
        file: the event file that they go to.
    """

    __slots__ = ("_disk", "_file", "_last")

    def __init__(self, disk: Disk, file: EventFile) -> None:
        self._disk = disk
        self._file = file
        self._last: int | None = None

    def next(self, wall_time: float) -> int:
        """Return the step of the next note.

        It is the time in milliseconds, as far as the clock was not set back since the last one:
        also that of another daemon, which can have noted nothing later than it wrote.

        Args:
            wall_time: seconds since 1970.
        """
        if self._last is None:
            self._last = 0
            # A file system that does not answer leaves it to the clock alone.
            with contextlib.suppress(OSError):
                self._last = self._disk.writing.ask(self._earlier)
        self._last = max(int(wall_time * 1000), self._last + 1)
        return self._last

    def _earlier(self) -> int:
        """Return a step that no note in older files is above.

        When they were last written bounds what a clock said in them. What was noted under a clock
        that was set back goes by this very bound, which therefore rises with each file.
        """
        newest, bound = 0.0, 0
        with contextlib.suppress(OSError):
            for path in event_files(self._file.directory, follow=False):
                if path != self._file.path:
                    bound += _NOTES_OF_A_FILE
                    with contextlib.suppress(OSError):
                        newest = max(newest, os.stat(path).st_mtime)
        return bound + int(newest * 1000)
