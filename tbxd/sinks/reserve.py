"""Space that is left free on the file systems of the event files, for whoever else writes there."""

from __future__ import annotations

import errno
import os


class Reserve:
    """How much of a file system is not ours.

    Args:
        keep_free_bytes: of every file system that is written to; 0 asks for nothing.
    """

    def __init__(self, keep_free_bytes: int = 0) -> None:
        self._keep_free_bytes = keep_free_bytes

    def check(self, place: int | str, wanted_bytes: int) -> None:
        """Return if ``wanted_bytes`` may be written to ``place``, an open file or a path.

        Raises:
            OSError: ENOSPC, for what is left afterwards would be too little; or the file system
                cannot be asked.
        """
        if not self._keep_free_bytes:
            return
        found = os.statvfs(place)
        # What root alone may still use counts as used.
        if found.f_bavail * found.f_frsize - wanted_bytes < self._keep_free_bytes:
            kept = f"{self._keep_free_bytes:,} bytes are to stay free (--keep-free)"
            raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}: {kept}")


NO_RESERVE = Reserve()
