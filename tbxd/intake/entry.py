"""One session in the daemon's eyes: its peer, how it stands, and what was counted of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf
from typing import Any

from .refusals import Refusals
from .session import Session, State

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
    met: float = 0.0
    """When this daemon first heard of it, on the same clock."""
    age_s: float = 0.0
    """How old it was then; inf: nobody can tell."""
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
    unknown: int = 0
    """Records of a kind this release does not know."""
    refusals: Refusals = field(default_factory=Refusals)
    """Why: the refused and the unknown together."""
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
    refused_told: int = 0
    """Of how many refused and unknown records its client was told."""
    end_noted: bool = False
    """Whether its run says how it ended."""
    lost_noted: tuple[int, int] = (0, 0)
    """The ``lost`` that its run says."""
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

    @property
    def lost(self) -> tuple[int, int]:
        """Records that are in no event file: shed by the client, refused here."""
        return self.shed, self.refused + self.unknown

    @property
    def is_bereft(self) -> bool:
        """Whether anything of the session is in no event file, and will not be."""
        session = self.session
        return any(self.lost) or session.gap_bytes > 0 or session.state is State.REJECTED

    def sample(self, now: float) -> None:
        """Note how many records there are, for the rate."""
        if not self.samples or now - self.samples[-1][0] >= RATE_SAMPLE_S:
            self.samples.append((now, self.records))

    def rate(self, now: float) -> float:
        """Return records per second over the last few seconds."""
        horizon = now - RATE_SAMPLES * RATE_SAMPLE_S - RATE_SAMPLE_S
        for then, records in self.samples:
            if then >= horizon and now > then:
                # Of a session that has just begun, too: nothing is made of a moment.
                return (self.records - records) / max(now - then, RATE_SAMPLE_S)
        return 0.0

    def lag_s(self, now: float, wall_time: float) -> float:
        """Return the age of the newest committed record while more waits behind it, else 0.

        No record is older than its session, whatever wall time its caller gave it, and whatever
        has been done to the clock since.
        """
        if self.pending_bytes == 0:
            return 0.0
        known_s = now - self.met
        if self.committed_wall_time is None:
            # Of a session that others have written before, nobody here knows how far behind it is.
            return known_s if self.session.hello.known else known_s + self.age_s
        return min(max(wall_time - self.committed_wall_time, 0.0), known_s + self.age_s)

    def facts(self, now: float, wall_time: float) -> dict[str, Any]:
        """Return what `tbxd status` shows of it.

        Args:
            now: the monotonic clock.
            wall_time: seconds since 1970.
        """
        session = self.session
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
            "cause": session.cause,
            "recovering": self.recovering,
            "records": self.records,
            "bytes": self.bytes,
            "rate": round(self.rate(now), 1),
            "lag_s": round(self.lag_s(now, wall_time), 3),
            "position": session.accepted,
            "committed": session.committed,
            "pending_bytes": self.pending_bytes,
            "shed": self.shed,
            "refused": self.refused,
            "refused_reason": self.refusals.last,
            "refused_by_reason": self.refusals.by_reason,
            "unknown": self.unknown,
            "gap_bytes": session.gap_bytes,
            "steps_back": self.steps_back,
            "last_step": self.last_step,
            "last_wall_time": self.last_wall_time,
            "trouble": session.rejection or self.trouble,
        }
