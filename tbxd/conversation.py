"""What is said to whom: messages in, calls to intake and pipeline, messages out.

Between the server, which knows the socket, and the machines, which know the rules. One rule is its
own: a session is heard only over the connection that said its hello last.

Guarantees:
    No message, however malformed, raises; it is counted, and at worst ends its session.
    An ack is sent only for what the session says is committed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from math import inf
from typing import Any

from tbxd_wire import messages
from tbxd_wire.errors import MessageError, TbxdError

from . import health, report
from .complaints import Complaints
from .intake.entry import Entry
from .intake.refusals import Refusals
from .intake.roster import Roster
from .intake.session import Verdict
from .pipeline import Blocked, Pipeline
from .recover import Recovery

_DEAF_S = 1.0
"""A session whose directory cannot be read is not listened to for so long, lest its replays and
our refusals chase each other. One whose directory is being read is not until that is done."""

_CAUSE_LENGTH = 80
"""Characters of a client's word for what has ended it."""

_log = logging.getLogger(__name__)

Send = Callable[[bytes, messages.Message], bool]
"""Sends a message to a peer; False if it must be tried again. A peer that is gone is no error."""


class Conversation:
    """The daemon's side of the conversation with all peers.

    Args:
        directory: the runtime directory, to be named in reports.
        roster: the sessions.
        pipeline: where batches go.
        recovery: knows which journals wait.
        send: the way out.
        seen: returns facts of the connections, to be shown in reports.
        now: the monotonic clock at this moment.
    """

    def __init__(
        self,
        directory: str,
        roster: Roster,
        pipeline: Pipeline,
        recovery: Recovery,
        send: Send,
        seen: Callable[[], dict[str, Any]],
        now: float,
    ) -> None:
        self._directory = directory
        self._roster = roster
        self._pipeline = pipeline
        self._recovery = recovery
        self._send = send
        self._seen = seen
        self._started = self._now = now
        self._complaints = Complaints(_log)
        self._malformed = 0
        self._turned_away = Refusals()
        self._held_up: set[Entry] = set()
        # Found out once: what is installed later is not what runs, and where it is installed is a
        # file system, too.
        self._version = health.version()

    def take(self, peer: bytes, parts: list[memoryview], now: float) -> None:
        """Act on one message.

        Args:
            peer: who sent it.
            parts: what was sent; not kept.
            now: the monotonic clock.
        """
        self._now = now
        try:
            message = messages.decode(parts)
        except MessageError as error:
            self._malformed += 1
            self._complaints.say("malformed", f"a malformed message: {error}", self._now)
            return
        match message:
            case messages.Batch():
                self._batch(peer, message)
            case messages.Hello():
                self._hello(peer, message)
            case messages.Bye():
                self._bye(peer, message)
            case messages.Status():
                self._status(peer, message.session)
            case _:
                self._malformed += 1
                kind = type(message).__name__
                self._complaints.say("malformed", f"a client sent a {kind}", self._now)

    def _hello(self, peer: bytes, hello: messages.Hello) -> None:
        entry = self._roster.find(hello.session)
        if entry is None:
            try:
                path = self._pipeline.author_directory(hello)
            except TbxdError as error:
                self._turned_away.count(str(error))
                self._complaints.say("hello", f"a session is turned away: {error}", self._now)
                self._send(peer, messages.Reject(hello.session, str(error)))
                return
            age_s = max(time.time() - hello.started, 0.0)
            entry = self._roster.add(hello, path, self._now, age_s=age_s)
        elif entry.recovering or (self._now < entry.deaf_until and entry not in self._held_up):
            # Recovering: its process is gone, and what it said last arrives late.
            return
        entry.peer = peer
        entry.heard = self._now
        self._roster.make_room()
        gap_bytes = entry.session.gap_bytes
        answer = entry.session.welcome(hello, self._roster.window)
        if entry.session.gap_bytes > gap_bytes:
            lost = entry.session.gap_bytes - gap_bytes
            _log.warning("%d bytes of %s never arrived: a gap", lost, _name(entry))
        self._send(peer, answer)

    def _batch(self, peer: bytes, batch: messages.Batch) -> None:
        entry = self._known(peer, batch.session)
        if entry is None:
            return
        session = entry.session
        entry.shed = max(entry.shed, batch.shed)
        verdict, offset = session.offer(batch.position, len(batch.payload))
        if verdict is Verdict.ACCEPT:
            frames = memoryview(batch.payload)[offset:]
            try:
                reason = self._pipeline.feed(entry, batch.position + offset, frames)
            except Blocked:
                # It may have been answered since: then it is asked again in this very turn.
                self._held_up.add(entry)
                entry.deaf_until = inf
                return
            except OSError:
                # The client repeats itself after a while, and by then it may work.
                entry.deaf_until = self._now + _DEAF_S
                return
            if not entry.recovering:
                entry.waiting = batch.behind
            if reason is not None:
                _log.warning("%s is rejected: %s", _name(entry), reason)
                self._send(peer, session.reject(reason))
        else:
            self._refuse(entry, verdict)

    def _bye(self, peer: bytes, bye: messages.Bye) -> None:
        entry = self._known(peer, bye.session)
        if entry is None:
            return
        entry.shed = max(entry.shed, bye.shed)
        verdict = entry.session.end(bye.position, bye.cause[:_CAUSE_LENGTH])
        if verdict is Verdict.ACCEPT:
            entry.waiting = 0
            self._pipeline.note_end(entry)
        else:
            self._refuse(entry, verdict)

    def _known(self, peer: bytes, name: bytes) -> Entry | None:
        """Return the session's entry if it has said hello over this connection; else ask for it."""
        entry = self._roster.find(name)
        if entry is None or entry.peer != peer:
            self._send(peer, messages.Resync(name))
            return None
        entry.heard = self._now
        return entry if self._now >= entry.deaf_until else None

    def _refuse(self, entry: Entry, verdict: Verdict) -> None:
        """Answer what was not taken; a duplicate has its ack due already."""
        name = entry.session.name
        if verdict is Verdict.GAP:
            self._tell(entry, messages.Resync(name))
        elif verdict is Verdict.OVER:
            self._tell(entry, messages.Reject(name, entry.session.rejection or ""))

    def _status(self, peer: bytes, name: bytes) -> None:
        # Whoever asks wants to know about a process that died just now.
        self._recovery.scan(self._now)
        facts = report.facts(
            self._directory,
            self._roster,
            self._recovery.journals_waiting,
            self._recovery.waiting_by_job(),
            self._recovery.left_alone,
            self._recovery.awaited(),
            self._turned_away.by_reason,
            self._malformed,
            self._seen(),
            self._now - self._started,
            self._now,
            time.time(),
            self._version,
        )
        self._send(peer, messages.Report(name, facts))

    def answer(self, window: int) -> None:
        """Send the acks that are due, and tell once of trouble and of records that are lost.

        Args:
            window: bytes that each session is granted behind what is committed.
        """
        if self._held_up:
            self._ask_again()
        for entry in self._roster:
            session = entry.session
            if (refused := entry.refused + entry.unknown - entry.refused_told) and self._tell(
                entry, messages.Refused(session.name, refused, entry.refusals.last or "")
            ):
                entry.refused_told += refused
            if session.ack_due:
                session.ack_due = not self._tell(entry, session.acknowledge(window))
            if entry.trouble != entry.told:
                entry.told = entry.trouble
                if entry.trouble is None:
                    _log.info("%s goes on again", _name(entry))
                else:
                    _log.warning("%s is held up: %s", _name(entry), entry.trouble)
                    self._tell(entry, messages.Notice(session.name, entry.trouble))

    def _ask_again(self) -> None:
        """Listen again to sessions for which a file system has answered at last."""
        for entry in [each for each in self._held_up if not self._pipeline.holds_up(each)]:
            self._held_up.remove(entry)
            entry.deaf_until = self._now
            # Also for what was not heard meanwhile.
            self._tell(entry, messages.Resync(entry.session.name))

    def _tell(self, entry: Entry, message: messages.Message) -> bool:
        """Send to a session's client, if it ever had one here."""
        return entry.peer is None or self._send(entry.peer, message)


def _name(entry: Entry) -> str:
    """Return what a log line calls a session."""
    hello = entry.session.hello
    return f"session {hello.session.hex()[:8]} (pid {hello.pid}, {entry.path})"
