"""One session on its way through the pipeline: where it writes, and what is not committed yet.

A record passes three positions of its stream: it is accepted (its frame is whole), settled (its
events are with their run directories) and committed (they are in their files). Between the first
two a stream keeps what waits for the pool, in order.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from tbxd.encode.event import emptied
from tbxd.format.projection import Projection
from tbxd.format.tfrecord import OVERHEAD_BYTES
from tbxd.intake.entry import Entry
from tbxd.sinks.disks import Question, Unplaced
from tbxd.sinks.file_limit import round_bytes
from tbxd.sinks.lane import Blocked
from tbxd.sinks.run_directory import RunDirectory
from tbxd.sinks.ticket import Ticket
from tbxd_wire.errors import RecordError

from .pool import LOOK_AHEAD, Events
from .portion import Gathered, Owed, Portion

AGAIN_S = 1.0
"""How long to wait before a disk that refused a file is asked again."""

_log = logging.getLogger(__name__)


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
        open_directory: returns the run directory at a path relative to that of the author.
        place: begins to write files beneath the author's directory.
    """

    __slots__ = (
        "_begun",
        "_open_directory",
        "_place",
        "_settled",
        "_waiting",
        "awaited",
        "directories",
        "entry",
        "inherits",
        "name",
        "rounds",
        "touched",
        "unsettled",
    )

    def __init__(
        self,
        entry: Entry,
        open_directory: Callable[[Entry, str], RunDirectory],
        place: Callable[[Entry, Projection], Future[None]],
    ) -> None:
        self.entry = entry
        self.name = entry.session.name
        self.directories: dict[str, RunDirectory] = {}
        """By path relative to the author's directory; "" is that itself."""
        self.awaited: RunDirectory | Question | None = None
        """The directory that could not be opened when it was tried last."""
        self.inherits = False
        """Whether its author's directory held something of the session when it was opened."""
        self.unsettled: deque[Portion] = deque()
        """What is accepted and not settled yet, oldest first."""
        self._waiting: deque[Owed] = deque()
        """Of these, the records that the pool has not got yet."""
        self._begun = 0
        """How many it has got."""
        self._settled = entry.session.accepted
        self.rounds: deque[Round] = deque()
        """What is settled and not committed yet, oldest first."""
        self.touched: set[RunDirectory] = set()
        """The directories that got events in the round that is going on."""
        self._open_directory = open_directory
        self._place = place

    def directory(self, relative: str) -> RunDirectory:
        """Return where events for ``relative`` go; at the first call, look what is there already.

        Raises:
            RecordError: no event file could ever be opened there.
            OSError: what is there cannot be read now, so nothing may be added to it yet.
        """
        found = self.directories.get(relative)
        if found is None:
            try:
                found = self._open_directory(self.entry, relative)
            except Unplaced as unplaced:
                self.awaited = unplaced.question
                raise
            self.awaited = found
            if relative and (obstacle := found.obstacle()):
                self.awaited = None
                raise RecordError(f"the directory {found.path} cannot be made: {obstacle}")
            if self.entry.session.resumes:
                found.resume(self.name)
                self.inherits |= not relative and self.name in found.progress
            self.directories[relative] = found
            self.awaited = None
        return found

    def targets(self, events: Events) -> list[tuple[RunDirectory, bytes]]:
        """Return which directory each event of a record goes to.

        An event that no file there can take costs the record what it holds, and no more: the empty
        one in its place counts as it does, for a daemon with another limit that meets it again.

        Raises:
            RecordError, OSError: as :meth:`directory`.
        """
        found = [(self.directory(relative), event) for relative, event in events]
        most = round_bytes() - OVERHEAD_BYTES
        if all(len(event) <= most for _, event in found):
            return found
        self.refuse(f"an event file cannot take it: none is larger than {most:,} bytes (ulimit -f)")
        return [(each, emptied(event) if len(event) > most else event) for each, event in found]

    def accept(self, portion: Portion) -> None:
        """Take a portion over; it is settled at once if nothing before it waits."""
        self.entry.session.accept(portion.end)
        if isinstance(portion, Gathered) and not self.unsettled:
            self._settle(portion)
            return
        self.unsettled.append(portion)
        if isinstance(portion, Owed):
            self._waiting.append(portion)
            self._begin_encoding()

    def settle(self, now: float) -> bool:
        """Settle what is ready, in order; return whether anything was."""
        before = self._settled
        while self.unsettled:
            head = self.unsettled[0]
            if isinstance(head, Owed):
                answered = self.awaited is not None and not self.awaited.is_silent(self.name)
                if not head.is_done(now, answered=answered):
                    break
                paid = self._collect(head, now)
                if paid is None:
                    break
                head = paid
                self._begun -= 1
                self._begin_encoding()
            self.unsettled.popleft()
            self._settle(head)
        return self._settled > before

    def place(self, files: Projection) -> Future[None]:
        """Begin to write files beneath the author's directory; the future raises OSError."""
        return self._place(self.entry, files)

    def refuse(self, reason: str) -> None:
        """Count a record that cannot be written."""
        self.entry.refused += 1
        self.entry.refusals.count(reason)

    def _begin_encoding(self) -> None:
        """Give the pool the next records, as far ahead as a stream may look."""
        while self._waiting and self._begun < LOOK_AHEAD:
            self._waiting.popleft().begin_encoding()
            self._begun += 1

    def _settle(self, portion: Gathered) -> None:
        self.touched.update(portion.settle(self.name))
        self._settled = portion.end

    def _collect(self, owed: Owed, now: float) -> Gathered | None:
        """Return the events that were owed; None if a disk is not ready for them."""
        gathered = Gathered(owed.begin)
        gathered.end = owed.end
        try:
            targets = self.targets(owed.events())
        except RecordError as error:
            self.refuse(str(error))
        except Blocked:
            owed.postpone(None, now + AGAIN_S)
            return None
        except OSError as error:
            trouble = f"{error.strerror or error}: {error.filename or self.entry.path}"
            owed.postpone(trouble, now + AGAIN_S)
            return None
        except Exception as error:
            self.fail(error)
        else:
            if owed.refusal is not None:
                self.refuse(owed.refusal)
            for directory, event in targets:
                gathered.add(directory, self.name, owed.begin, event)
        return gathered

    def fail(self, error: Exception) -> None:
        """Refuse a record because of a mistake of ours.

        An encoder that fails on what it should have refused costs the record, never the stream
        and never the daemon.
        """
        _log.error("a record of %s cannot be encoded", self.entry.path, exc_info=error)
        self.refuse(f"internal error: {error!r}")

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
        if not rounds and not self.unsettled and session.uncommitted:
            # A gap at the end has nothing to be written.
            session.commit(session.accepted)

    @property
    def settled(self) -> int:
        """The position before which everything is with its run directories.

        A gap that has nothing to be written is settled with what lies before it.
        """
        return self._settled if self.unsettled else self.entry.session.accepted

    @property
    def claimed(self) -> int:
        """The position that is committed once all rounds are."""
        return self.rounds[-1].end if self.rounds else self.entry.session.committed

    @property
    def deadline(self) -> float | None:
        """When :meth:`settle` is to be called even if the pool has nothing new."""
        head = self.unsettled[0] if self.unsettled else None
        return head.retry_at if isinstance(head, Owed) else None

    def trouble(self) -> str | None:
        """Return what keeps one of its files from being written; None if nothing does."""
        if self.unsettled and isinstance(head := self.unsettled[0], Owed) and head.trouble:
            return head.trouble
        if self.awaited is not None and (trouble := self.awaited.disk.trouble):
            return trouble
        troubles = (directory.trouble for directory in self.directories.values())
        return next(filter(None, troubles), None)
