"""Journals whose process is gone: fed through the same session and pipeline as if they were sent.

A dead journal, which :mod:`.census` has found, is read in chunks; each is committed before the next
is read, so that recovery takes no more memory than a client with the smallest window. When all of
it is committed the files are deleted, slot 0 last.

Guarantees:
    Being killed at any instant does no harm: the next daemon finds the files and begins again, and
    what the event files already hold is dropped there, event by event.
    Nothing unreadable is deleted: such a file is set aside as ``<name>.damaged``, and the bytes it
    is short of are counted as a gap of the session.
    A journal of another version is left alone.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections import Counter
from dataclasses import dataclass
from math import inf
from typing import Protocol

from tbxd_wire import messages
from tbxd_wire.errors import MessageError, TbxdError
from tbxd_wire.limits import PROTOCOL_NEWEST, PROTOCOL_OLDEST

from . import leftovers
from .census import Census, job_of
from .complaints import Complaints
from .intake.entry import Entry
from .intake.roster import Roster
from .intake.session import State
from .lock import is_held
from .salvage import Busy, DeadJournal, OtherVersion, Unreadable

SILENT_S = 10.0
"""After so long without a word and without a journal a session is taken for gone."""

STALE_FRESH_S = 60.0
"""A segment without its final name is a process's that died while making it, if it is this old."""

_OPEN_JOURNALS = 64
"""Dead journals worked on at a time, those whose disk is full not counted."""

_OPEN_JOURNALS_MAX = 512
"""Each holds one descriptor."""

_log = logging.getLogger(__name__)


class Feeder(Protocol):
    """What recovery needs of the pipeline."""

    def author_directory(self, hello: messages.Hello) -> str:
        """Return where a session's records go; RecordError if nowhere."""

    def feed(self, entry: Entry, position: int, frames: memoryview) -> str | None:
        """Take frames over; return why not, if they are bad."""


@dataclass(slots=True)
class _Work:
    """One dead journal on its way into the event files."""

    entry: Entry
    journal: DeadJournal


class Recovery:
    """Finds dead journals in the runtime directory and works them off.

    Args:
        directory: the runtime directory.
        roster: the sessions.
        feeder: where records go.
        open_journals: most of them that are open at once; more than 512 never are.
    """

    def __init__(
        self,
        directory: str,
        roster: Roster,
        feeder: Feeder,
        open_journals: int = _OPEN_JOURNALS_MAX,
    ) -> None:
        self._directory = directory
        self._roster = roster
        self._feeder = feeder
        self._open_most = min(open_journals, _OPEN_JOURNALS_MAX)
        self._complaints = Complaints(_log)
        self._work: dict[bytes, _Work] = {}
        self._left_alone: dict[bytes, tuple[str, str]] = {}
        self._census = Census(directory)

    @property
    def journals_waiting(self) -> int:
        """Dead journals that are not in the event files yet."""
        return len(self._work) + len(self._census.dead)

    def waiting_by_job(self) -> dict[str, int]:
        """Return for each job how many of its journals are not in the event files yet."""
        jobs = self._census.waiting()
        jobs.update(work.entry.session.hello.job for work in self._work.values())
        return {job: count for job, count in jobs.items() if job}

    @property
    def left_alone(self) -> dict[tuple[str, str], int]:
        """How many journals this daemon does not touch, by job ("" for none) and reason."""
        return Counter(self._left_alone.values())

    @property
    def busy(self) -> bool:
        """Whether a journal waits, or a process lives that has not said hello yet."""
        return self.journals_waiting > 0 or self._census.has_strangers

    def awaited(self) -> dict[str, int]:
        """Return for each job how many of its sessions live that have not said hello yet."""
        return self._census.awaited()

    def scan(self, now: float) -> None:
        """Look through the directory for journals whose process is gone."""
        self._census.take(
            self._work.keys() | self._left_alone.keys(),
            lambda session: self._roster.find(session) is not None,
        )
        found = self._census.found
        for session in self._left_alone.keys() - found:
            del self._left_alone[session]
        self._open_waiting(now)
        for entry in self._roster:
            if (
                entry.session.state is State.LIVE
                and not entry.recovering
                and entry.session.name not in found
                and now - entry.heard > SILENT_S
            ):
                if entry.session.uncommitted:
                    entry.session.die()
                else:
                    # A writer deletes its journal when all is committed; its farewell got lost.
                    entry.session.end(entry.session.accepted)

    def step(self, now: float) -> bool:
        """Work on one journal that is ready; return whether there may be more to do at once."""
        for work in list(self._work.values()):
            if work.entry.session.uncommitted == 0:
                try:
                    return self._advance(work, now)
                except OSError as error:
                    self._complaints.say("journal", f"a dead journal has to wait: {error}", now)
                    self._drop(work)
        return False

    def close(self) -> None:
        """Let go of all journals; the files stay as they are."""
        for work in list(self._work.values()):
            self._drop(work)

    def tidy(self, wall_time: float) -> None:
        """Delete old segments that their process died over before they had a name."""
        for _, path in leftovers.unnamed(self._directory):
            with contextlib.suppress(OSError):
                if wall_time - os.stat(path).st_mtime > STALE_FRESH_S and not is_held(path):
                    os.unlink(path)

    def _advance(self, work: _Work, now: float) -> bool:
        """Feed the next chunk of a journal, or end it."""
        entry, journal = work.entry, work.journal
        session = entry.session
        chunk = journal.chunk(session.accepted)
        if chunk is None:
            lost = session.skip(journal.end)
            if lost:
                self._say_lost(entry, lost)
            self._finish(work)
            self._open_waiting(now)
            return bool(self._work)
        position, frames = chunk
        lost = session.skip(position)
        if lost:
            self._say_lost(entry, lost)
        reason = self._feeder.feed(entry, position, frames)
        entry.waiting = max(journal.end - session.accepted, 0)
        entry.heard = now
        if reason is not None:
            _log.warning("the journal of %s: %s", session.name.hex(), reason)
            journal.rest(session.accepted)
            session.skip(journal.end)
        return True

    def _finish(self, work: _Work) -> None:
        """Everything readable is committed: delete the files and let the session end."""
        entry, journal = work.entry, work.journal
        damaged = journal.damaged
        for session, path in leftovers.unnamed(self._directory):
            if session == entry.session.name:
                os.unlink(path)
        journal.finish()
        del self._work[entry.session.name]
        self._let_go(entry)
        if journal.ended:
            entry.session.end(entry.session.accepted, "an exception" if journal.failed else "")
        if damaged:
            _log.warning(
                "unreadable bytes in the journal of %s (pid %d, %s): kept as *.damaged",
                entry.session.name.hex(),
                entry.session.hello.pid,
                entry.path,
            )

    def _drop(self, work: _Work) -> None:
        """Let go of a journal whose files stay for another try."""
        work.journal.close()
        del self._work[work.entry.session.name]
        self._let_go(work.entry)

    @staticmethod
    def _let_go(entry: Entry) -> None:
        entry.recovering = False
        entry.waiting = 0

    def _open_waiting(self, now: float) -> None:
        """Take up waiting journals, as many as may be worked on together."""
        moving = sum(work.entry.trouble is None for work in self._work.values())
        waiting = self._census.dead
        for session in sorted(waiting, key=self._is_held_up):
            if moving >= _OPEN_JOURNALS:
                return
            # Journals of a disk that takes nothing must not keep away those of others.
            is_full = len(self._work) >= self._open_most
            if is_full and (self._is_held_up(session) or not self._make_room()):
                return
            slots = waiting.pop(session)
            try:
                journal = DeadJournal(self._directory, session, slots)
            except Busy:
                continue
            except OtherVersion as error:
                _log.warning("a journal is left alone: %s", error)
                self._left_alone[session] = "", str(error)
                continue
            except Unreadable:
                _log.warning("no head of journal %s can be read: set aside", session.hex())
                continue
            except OSError as error:
                self._complaints.say("journal", f"a dead journal cannot be opened: {error}", now)
                waiting[session] = slots
                continue
            if self._admit(session, journal, now):
                moving += 1

    def _is_held_up(self, session: bytes) -> bool:
        """Whether a disk takes nothing of a session now."""
        entry = self._roster.find(session)
        return entry is not None and entry.trouble is not None

    def _make_room(self) -> bool:
        """Let go of a journal that a disk holds up, for one that may move; False: there is none."""
        for work in self._work.values():
            if work.entry.trouble is not None:
                self._drop(work)
                return True
        return False

    def _admit(self, session: bytes, journal: DeadJournal, now: float) -> bool:
        """Find or make the roster's entry of a dead journal."""
        try:
            entry = self._entry_of(session, journal, now)
        except TbxdError as error:
            _log.warning("the journal %s is left alone: %s", session.hex(), error)
            self._left_alone[session] = job_of(journal.hello), str(error)
            journal.close()
            return False
        entry.session.reopen(ended=journal.ended)
        entry.recovering = True
        entry.shed = max(entry.shed, journal.shed)
        entry.waiting = max(journal.end - entry.session.accepted, 0)
        self._work[session] = _Work(entry, journal)
        return True

    def _entry_of(self, session: bytes, journal: DeadJournal, now: float) -> Entry:
        """Return the entry of a journal's session; one that is not known is introduced.

        Raises:
            TbxdError: the hello in its head is none, of a version not spoken here, or leads
                nowhere.
        """
        hello = messages.decode([journal.hello])
        if not isinstance(hello, messages.Hello) or hello.session != session:
            raise MessageError("its head introduces something else")
        # Also of a session that has said hello: it was turned away then.
        if messages.common_version(hello.oldest, hello.newest) is None:
            raise MessageError(
                f"its records are of protocol {hello.oldest} to {hello.newest},"
                f" this release reads {PROTOCOL_OLDEST} to {PROTOCOL_NEWEST}"
            )
        if (entry := self._roster.find(session)) is not None:
            return entry
        path = self._feeder.author_directory(hello)
        hello = hello._replace(position=journal.released, known=True)
        return self._roster.add(hello, path, now, age_s=inf, recovered=True)

    def _say_lost(self, entry: Entry, lost: int) -> None:
        _log.warning(
            "%d bytes of session %s (pid %d, %s) are in no journal: a gap",
            lost,
            entry.session.name.hex(),
            entry.session.hello.pid,
            entry.path,
        )
