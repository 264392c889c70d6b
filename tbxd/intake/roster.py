"""All sessions of this daemon: who they are, where their peer is, how they stand.

Keeps what `tbxd status` shows of a session, and the last ENDED_KEPT sessions that ended; older
ones are forgotten (their event files know better). The clock is an argument.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any

from tbxd_wire.messages import Hello

from .grants import window
from .session import Session, State

ENDED_KEPT = 200
"""Ended sessions that stay in the roster."""

RATE_SAMPLES = 5
RATE_SAMPLE_S = 1.0
"""A rate is that of the last RATE_SAMPLES * RATE_SAMPLE_S seconds."""


@dataclass(eq=False, slots=True)
class Entry:
    """One session, its peer, and what was counted of it since this daemon knows it."""

    session: Session
    path: str
    """The author's directory: ``<run>/<role>``."""
    heard: float
    """When it last sent anything, on the daemon's monotonic clock."""
    deaf_until: float = -inf
    """Until then nothing of it is listened to, on the same clock."""
    peer: bytes | None = None
    """Routing identity of the newest connection; None: nobody to answer to."""
    recovering: bool = False
    """Whether its journal is being read because its process is gone."""
    waiting: int = 0
    """Bytes known to wait in its journal behind what was accepted."""
    shed: int = 0
    """Records the client refused because its journal was full."""
    records: int = 0
    """Records taken over, unknown and refused ones included."""
    bytes: int = 0
    """Bytes of frames taken over."""
    refused: int = 0
    """Records that were whole frames and yet could not be written."""
    refused_reason: str | None = None
    """Why the last of them was refused."""
    unknown: int = 0
    """Records of a kind this release does not know."""
    steps_back: int = 0
    """Records whose step is below an earlier one of the same tag and author."""
    last_step: int | None = None
    """Step of the newest record that has one."""
    last_wall_time: float | None = None
    """Wall time of the newest record taken over, seconds since 1970."""
    committed_wall_time: float | None = None
    """Wall time of the newest record that is in its event file."""
    trouble: str | None = None
    """What holds it up; None: nothing."""
    told: str | None = None
    """The trouble its client was last told of."""
    end_noted: bool = False
    """Whether its run says how it ended."""
    shed_noted: int = 0
    """The ``shed`` that its run says."""
    counted_as_ended: bool = False
    """Whether it stands in the roster's list of the ended."""
    samples: deque[tuple[float, int]] = field(
        default_factory=lambda: deque(maxlen=RATE_SAMPLES + 1)
    )
    """(now, records) once per RATE_SAMPLE_S, oldest first."""

    @property
    def pending_bytes(self) -> int:
        """Bytes of the session that are known of and not yet in an event file."""
        return self.session.uncommitted + self.waiting

    @property
    def working(self) -> bool:
        """Whether anything may still come or is still to be written."""
        state = self.session.state
        return state is State.LIVE or self.recovering or self.session.uncommitted > 0

    def sample(self, now: float) -> None:
        """Note how many records there are, for the rate."""
        if not self.samples or now - self.samples[-1][0] >= RATE_SAMPLE_S:
            self.samples.append((now, self.records))

    def rate(self, now: float) -> float:
        """Return records per second over the last few seconds."""
        horizon = now - RATE_SAMPLES * RATE_SAMPLE_S - RATE_SAMPLE_S
        for then, records in self.samples:
            if then >= horizon and now > then:
                return (self.records - records) / (now - then)
        return 0.0

    def lag_s(self, wall_time: float) -> float:
        """Return the age of the newest committed record while more waits behind it, else 0."""
        if self.pending_bytes == 0:
            return 0.0
        newest = self.committed_wall_time
        return max(wall_time - (self.session.hello.started if newest is None else newest), 0.0)


class Roster:
    """The sessions by name, and the rules about their number."""

    def __init__(self, memory_limit_bytes: int) -> None:
        self._memory_limit_bytes = memory_limit_bytes
        self._entries: dict[bytes, Entry] = {}
        self._ended: deque[bytes] = deque()
        self.window = window(memory_limit_bytes, 0)
        """Bytes that each working session is granted, as of the last :meth:`shrink`."""

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, name: bytes) -> Entry | None:
        """Return the entry of a session, or None if it is not known."""
        return self._entries.get(name)

    def add(self, hello: Hello, path: str, now: float, *, recovered: bool = False) -> Entry:
        """Take up a session that is not known yet."""
        entry = Entry(Session(hello, recovered=recovered), path, now)
        entry.sample(now)
        self._entries[hello.session] = entry
        return entry

    @property
    def working(self) -> int:
        """How many sessions live or have something to be written."""
        return sum(entry.working for entry in self._entries.values())

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
        """Forget the oldest of the ended sessions beyond ENDED_KEPT."""
        for name, entry in self._entries.items():
            if not entry.working and not entry.counted_as_ended:
                entry.counted_as_ended = True
                self._ended.append(name)
        spare = len(self._ended) - ENDED_KEPT
        for _ in range(len(self._ended)):
            if spare <= 0:
                break
            name = self._ended.popleft()
            old = self._entries[name]
            old.counted_as_ended = False
            # One that lives again stays, and is listed anew when it ends.
            if not old.working:
                del self._entries[name]
            spare -= 1

    def facts(self, now: float, wall_time: float) -> list[dict[str, Any]]:
        """Return what `tbxd status` shows of each session, in the order in which they came."""
        return [_facts(entry, now, wall_time) for entry in self._entries.values()]


def _facts(entry: Entry, now: float, wall_time: float) -> dict[str, Any]:
    session = entry.session
    hello = session.hello
    return {
        "session": session.name.hex(),
        "run": hello.run,
        "role": hello.role,
        "pid": hello.pid,
        "host": hello.host,
        "job": hello.job,
        "started": hello.started,
        "state": session.state.value,
        "recovering": entry.recovering,
        "records": entry.records,
        "bytes": entry.bytes,
        "rate": round(entry.rate(now), 1),
        "lag_s": round(entry.lag_s(wall_time), 3),
        "position": session.accepted,
        "committed": session.committed,
        "pending_bytes": entry.pending_bytes,
        "shed": entry.shed,
        "refused": entry.refused,
        "refused_reason": entry.refused_reason,
        "unknown": entry.unknown,
        "gap_bytes": session.gap_bytes,
        "steps_back": entry.steps_back,
        "last_step": entry.last_step,
        "last_wall_time": entry.last_wall_time,
        "trouble": session.rejection or entry.trouble,
    }
