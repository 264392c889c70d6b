"""One session on its way through the pipeline: where it writes, and what is not committed yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from tbxd.intake.roster import Entry
from tbxd.sinks.run_directory import RunDirectory, Ticket
from tbxd_wire.errors import RecordError


@dataclass(frozen=True, slots=True)
class Round:
    """What one round brought of one session."""

    end: int
    """Position behind its last frame."""
    wall_time: float | None
    """Wall time of the newest record taken over by then."""
    tickets: tuple[Ticket, ...]
    """One for each directory that got events."""


class Stream:
    """The pipeline's side of one session.

    Args:
        entry: the session in the roster.
        open_directory: returns the run directory at a path, with the session's suffix.
    """

    __slots__ = ("_open_directory", "directories", "entry", "name", "rounds", "touched")

    def __init__(self, entry: Entry, open_directory: Callable[[str, str], RunDirectory]) -> None:
        self.entry = entry
        self.name = entry.session.name
        self.directories: dict[str, RunDirectory] = {}
        """By path relative to the author's directory; "" is that itself."""
        self.rounds: deque[Round] = deque()
        """What is not committed yet, oldest first."""
        self.touched: set[RunDirectory] = set()
        """The directories that got events in the round that is going on."""
        self._open_directory = open_directory

    def directory(self, relative: str) -> RunDirectory:
        """Return where events for ``relative`` go; at the first call, look what is there already.

        Raises:
            RecordError: no event file could ever be opened there.
            OSError: what is there cannot be read now, so nothing may be added to it yet.
        """
        found = self.directories.get(relative)
        if found is None:
            path = f"{self.entry.path}/{relative}" if relative else self.entry.path
            found = self._open_directory(path, self.entry.session.hello.suffix)
            if relative and (file := found.obstacle()):
                raise RecordError(f"the directory {path} cannot be made: {file} is a file")
            if self.entry.session.resumes:
                found.resume((self.name,))
            self.directories[relative] = found
        return found

    def commit(self, fsync: bool) -> None:
        """Move the session's committed position on, as far as its files allow.

        To be called between two rounds, when nothing is gathered.
        """
        session = self.entry.session
        rounds = self.rounds
        done: Round | None = None
        while rounds and all(ticket.committed(fsync) for ticket in rounds[0].tickets):
            done = rounds.popleft()
        if done is not None:
            session.commit(done.end)
            self.entry.committed_wall_time = done.wall_time
        if not rounds and session.uncommitted:
            # A gap at the end has nothing to be written.
            session.commit(session.accepted)

    def trouble(self) -> str | None:
        """Return what keeps one of its files from being written; None if nothing does."""
        troubles = (directory.trouble for directory in self.directories.values())
        return next(filter(None, troubles), None)
