"""Who may hold how many of the file descriptors that the daemon may have: a pure division.

Whoever has used its share up makes do with it: an event file or a journal is closed, or opened
later; a connection waits until another one has gone.
"""

from __future__ import annotations

from dataclasses import dataclass

_OWN = 48
"""What a daemon has open before anybody comes (18), and what is opened beside that for a moment."""

_UNLIMITED = 1 << 20
"""What no limit counts as: the default of fs.nr_open."""

_CONNECTIONS_LEAST = 8


@dataclass(frozen=True, slots=True)
class Shares:
    """So many descriptors for each.

    Args:
        limit: of all of them, as getrlimit(2) gives it; negative: there is none.
    """

    limit: int

    @property
    def event_files(self) -> int:
        """A quarter."""
        return max(self._all // 4, 1)

    @property
    def journals(self) -> int:
        """Of dead processes: an eighth."""
        return max(self._all // 8, 1)

    @property
    def connections(self) -> int:
        """The rest, without what the daemon opens for itself."""
        rest = self._all - self.event_files - self.journals - _OWN
        return max(rest, _CONNECTIONS_LEAST)

    @property
    def _all(self) -> int:
        return self.limit if self.limit >= 0 else _UNLIMITED
