"""Who may hold how many of the file descriptors that the daemon may have: a pure division.

Whoever has used its share up makes do with it: an event file or a journal is closed, or opened
later; a connection waits until another one has gone. Where there are too few for that, libzmq ends
the process as soon as some come at once, so it is not even started.
"""

from __future__ import annotations

from dataclasses import dataclass

from tbxd_wire.errors import ConfigError

_OWN = 48
"""What a daemon has open before anybody comes (18), and what is opened beside that for a moment."""

_UNLIMITED = 1 << 20
"""What no limit counts as: the default of fs.nr_open."""

_CONNECTIONS_LEAST = 8

LEAST = 89
"""From here on there is the least of connections beside the shares of the others and its own."""


@dataclass(frozen=True, slots=True)
class Shares:
    """So many descriptors for each.

    Args:
        limit: of all of them, as getrlimit(2) gives it; negative: there is none.

    Raises:
        ConfigError: they are too few for a daemon.
    """

    limit: int

    def __post_init__(self) -> None:
        if self.connections < _CONNECTIONS_LEAST:
            raise ConfigError(
                f"a daemon needs {LEAST} file descriptors at least, and may have {self.limit} here"
                f" (ulimit -Hn)"
            )

    @property
    def event_files(self) -> int:
        """A quarter."""
        return self._all // 4

    @property
    def journals(self) -> int:
        """Of dead processes: an eighth."""
        return self._all // 8

    @property
    def connections(self) -> int:
        """The rest, without what the daemon opens for itself."""
        return self._all - self.event_files - self.journals - _OWN

    @property
    def _all(self) -> int:
        return self.limit if self.limit >= 0 else _UNLIMITED
