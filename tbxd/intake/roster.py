"""All sessions of this daemon.

The last ENDED_KEPT sessions that ended stay with what `tbxd status` shows of them, and as many that
lost something; of older ones only the totals are kept (their event files know better). The clock is
an argument.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from tbxd_wire.messages import Hello

from .entry import Entry
from .grants import window
from .session import Session
from .totals import Totals

ENDED_KEPT = 200
"""Ended sessions that stay in the roster."""


class Roster:
    """The sessions by name, and the rules about their number."""

    def __init__(self, memory_limit_bytes: int) -> None:
        self._memory_limit_bytes = memory_limit_bytes
        self._entries: dict[bytes, Entry] = {}
        self._ended: deque[bytes] = deque()
        self._bereft: deque[bytes] = deque()
        self.window = window(memory_limit_bytes, 0)
        """Bytes that each working session is granted, as of the last :meth:`shrink`."""
        self._forgotten = Totals()

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, name: bytes) -> Entry | None:
        """Return the entry of a session, or None if it is not known."""
        return self._entries.get(name)

    def add(
        self, hello: Hello, path: str, now: float, *, age_s: float = 0.0, recovered: bool = False
    ) -> Entry:
        """Take up a session that is not known yet, and that is ``age_s`` old."""
        entry = Entry(Session(hello, recovered=recovered), path, now, met=now, age_s=age_s)
        entry.sample(now)
        self._entries[hello.session] = entry
        return entry

    @property
    def working(self) -> int:
        """How many sessions live or have something to be written."""
        return sum(entry.working for entry in self._entries.values())

    @property
    def busy(self) -> bool:
        """Whether any session does: asked in every round, and mostly answered by the first."""
        return any(entry.working for entry in self._entries.values())

    def make_room(self) -> None:
        """See that the grants fit, now that a session has come; cheap, however many there are.

        More than have come do not work: as long as the grants fit for all of them, nobody is
        counted.
        """
        if window(self._memory_limit_bytes, len(self._entries)) < self.window:
            self.shrink()

    def shrink(self) -> None:
        """See how much each working session is granted now, and have the idle ones told of less.

        A session that is sending hears of a smaller grant with its next ack anyway.
        """
        self.window = size = window(self._memory_limit_bytes, self.working)
        for entry in self._entries.values():
            session = entry.session
            if session.window > size and session.uncommitted == 0 and entry.peer is not None:
                session.ack_due = True

    def tidy(self) -> None:
        """Forget the oldest of the ended sessions beyond ENDED_KEPT.

        Who waits for many sessions must still find the one among them that lost something.
        """
        for name, entry in self._entries.items():
            if not entry.working and not entry.counted_as_ended:
                entry.counted_as_ended = True
                (self._bereft if entry.is_bereft else self._ended).append(name)
        self._forget(self._ended)
        self._forget(self._bereft)

    def _forget(self, ended: deque[bytes]) -> None:
        """Forget the oldest of these beyond ENDED_KEPT."""
        spare = len(ended) - ENDED_KEPT
        for _ in range(len(ended)):
            if spare <= 0:
                break
            name = ended.popleft()
            old = self._entries[name]
            old.counted_as_ended = False
            # One that lives again stays, and is listed anew when it ends.
            if not old.working:
                self._forgotten.add(old)
                del self._entries[name]
            spare -= 1

    def totals(self) -> Totals:
        """Return what was counted of all sessions, those that are forgotten too."""
        totals = self._forgotten.copy()
        for entry in self:
            totals.add(entry)
        return totals

    def facts(self, now: float, wall_time: float) -> list[dict[str, Any]]:
        """Return what `tbxd status` shows of each session, in the order in which they came."""
        return [entry.facts(now, wall_time) for entry in self._entries.values()]
