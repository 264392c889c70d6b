"""What the daemon may do to file systems: where it may write, and how full they may get."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable


class Bounds:
    """The bounds that a user has set for a daemon.

    Args:
        keep_free_bytes: what is to stay free of every file system that is written to, for whoever
            else writes there; 0 asks for nothing.
        roots: absolute paths of directories beneath which everything is to lie that is written, in
            truth and not only by name: what is reached through a symbolic link lies where that
            leads. None at all: anywhere.
    """

    def __init__(self, keep_free_bytes: int = 0, roots: Iterable[str] = ()) -> None:
        self._keep_free_bytes = keep_free_bytes
        self._roots = tuple(os.path.realpath(root) for root in roots)

    @property
    def has_roots(self) -> bool:
        """Whether there is anywhere that may not be written."""
        return bool(self._roots)

    def check_room(self, place: int | str, wanted_bytes: int) -> None:
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

    def objection(self, directory: str) -> str | None:
        """Return why nothing may be written in ``directory``, which need not exist, or None."""
        return self._judge(os.path.realpath(directory)) if self._roots else None

    def resolve(self, directory: str) -> str:
        """Return the path without links at which ``directory`` lies, or would if it were made.

        Raises:
            OSError: EACCES, as nothing may be written there.
        """
        place = os.path.realpath(directory)
        _refuse(self._judge(place))
        return place

    def _judge(self, real_path: str) -> str | None:
        if not self._roots or any(
            os.path.commonpath((real_path, root)) == root for root in self._roots
        ):
            return None
        return f"{real_path} is not beneath {' or '.join(self._roots)} (--root)"


def _refuse(objection: str | None) -> None:
    if objection is not None:
        raise OSError(errno.EACCES, f"{os.strerror(errno.EACCES)}: {objection}")


UNBOUNDED = Bounds()
