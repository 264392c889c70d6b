"""What stands for the journal of a session that has none: nothing is kept, all is counted.

Where no journal can be opened (its directory is full, say) records are lost, and whoever looks at
the daemon must see it: the session exists all the same, without a byte, and tells how many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Void:
    """A journal into which nothing goes; see :class:`~tbxd_client.journal.Journal`.

    Attributes:
        shed: records lost so far.
        closed: True once ``leave`` or ``remove`` was called.

    Args:
        wake: called when the daemon should hear of what is lost: at every doubling.
    """

    records = 0
    tail = 0
    path = ""

    def __init__(self, wake: Callable[[], object]) -> None:
        self.shed = 0
        self.parked = False
        self.closed = False
        self._wake = wake

    def append(self, *record: Any) -> bool:
        """Take nothing."""
        return False

    append_arrays = append

    def count_shed(self) -> None:
        """Count a record that is lost."""
        self.shed += 1
        if self.shed & (self.shed - 1) == 0:
            self._wake()

    def obstacle(self, *record: Any) -> str:
        """Return why nothing ever fits."""
        return "it has no journal"

    def batch(self, position: int, limit: int) -> tuple[memoryview, int]:
        """Return no frames."""
        return memoryview(b""), position

    def release(self, position: int) -> None:
        """Do nothing: nothing was kept."""

    def trim(self) -> None:
        """Do nothing."""

    def mark_known(self) -> None:
        """Do nothing."""

    def is_there(self) -> bool:
        """Return True: nobody can delete it."""
        return True

    def is_held_here(self) -> bool:
        """Return False: nothing of it can be interrupted."""
        return False

    def deferred_bytes(self) -> int:
        """Return 0: nothing waits to be kept."""
        return 0

    def end(self, *, failed: bool = False) -> None:
        """Do nothing: there is nobody who would read it."""

    def leave(self) -> None:
        """Be closed."""
        self.closed = True

    def remove(self, position: int) -> bool:
        """Be closed; return True."""
        self.closed = True
        return True
