"""What a session has sent, what is acknowledged, what may be sent next: a pure machine.

Positions are byte offsets in the session's stream (tbxd_wire.frame). At every moment

    acked <= sent <= tail

holds, where the journal knows the tail. ``[acked, sent)`` may be anywhere: on its way, in the
daemon's memory, or lost with a daemon that died; it stays in the journal until it is acknowledged.

::

    SILENT ──connect──> GREETING ──Welcome──> OPEN
       ^                   ^                   │ │
       │                   └──Resync, silence──┘ │
       └──────────────disconnect─────────────────┘     Reject from anywhere: REFUSED, for good

The machine does no I/O and has no clock: the sender's thread passes messages and ``now`` (any
monotonic clock, in seconds) in and gets messages and deadlines back. Lost, repeated and reordered
messages do no harm: a hello, which is repeated after a silence, brings both sides together again.
"""

from __future__ import annotations

import enum

from tbxd_wire.messages import (
    Ack,
    Batch,
    Bye,
    Hello,
    Message,
    Notice,
    Refused,
    Reject,
    Resync,
    Welcome,
)

SILENCE_S = 5.0
"""After so long without an answer that is due, say hello again. Far above any daemon's busy
moment, so that a slow daemon is not made slower."""


@enum.unique
class State(enum.Enum):
    SILENT = 1
    """No connection."""
    GREETING = 2
    """Hello was said, the welcome is due."""
    OPEN = 3
    """Batches may be sent."""
    REFUSED = 4
    """The daemon takes nothing from this session any more."""


class Outbox:
    """The sending side of one session.

    Attributes:
        acked: position before which everything is committed.
        sent: position before which everything was sent over this connection.
        known: whether any daemon has ever welcomed this session.
        notice: what the daemon last said about trouble or a refusal; "" for nothing.
        refused: records that no daemon will ever write, as far as it has said so.
        refusal: why the newest of them will not be; "" if there is none.
        run: the run directory.
        deadline: the clock's time at which ``expired`` wants to be called, or None.

    Args:
        hello: the session's introduction; ``position`` and ``known`` are kept up to date here.
    """

    def __init__(self, hello: Hello) -> None:
        self.state = State.SILENT
        self.acked = hello.position
        self.sent = hello.position
        self.known = hello.known
        self.notice = ""
        self.refused = 0
        self.refusal = ""
        self.run = hello.run
        self.deadline: float | None = None
        self._hello = hello
        self._limit = hello.position

    def connect(self, now: float) -> Hello | None:
        """A connection is there: return the hello to send, or None if refused for good."""
        if self.state is State.REFUSED:
            return None
        self.state = State.GREETING
        self.deadline = now + SILENCE_S
        return self._hello._replace(position=self.acked, known=self.known)

    def disconnect(self) -> None:
        """The connection is gone, and with it all that was on its way."""
        self.deadline = None
        if self.state is not State.REFUSED:
            self.state = State.SILENT

    def sendable(self, tail: int) -> int | None:
        """Return the position up to which a batch from ``sent`` on may reach, or None for none."""
        if self.state is not State.OPEN or self.sent >= min(tail, self._limit):
            return None
        return self._limit

    def batch(
        self, payload: bytes | memoryview, end: int, tail: int, shed: int, now: float
    ) -> Batch:
        """Return the message for the frames ``payload`` between ``sent`` and ``end``."""
        message = Batch(self._hello.session, self.sent, max(0, tail - end), shed, payload)
        self.sent = end
        if self.deadline is None:
            self.deadline = now + SILENCE_S
        return message

    def bye(self, tail: int, shed: int, cause: str) -> Bye:
        """Return the message that ends the session at ``tail``."""
        return Bye(self._hello.session, tail, shed, cause)

    def expired(self, now: float) -> Hello | None:
        """An answer is overdue if the deadline has passed: return the hello that asks for it."""
        if self.deadline is None or now < self.deadline:
            return None
        return self.connect(now)

    def receive(self, message: Message, tail: int, now: float) -> Hello | None:
        """Take a message from the daemon; return the hello to answer with, if any.

        A message that makes no sense in this state (late, repeated, or of a liar) changes nothing:
        in particular nothing beyond ``sent`` or ``tail`` is ever taken as acknowledged.
        """
        if self.state in (State.SILENT, State.REFUSED):
            return None
        match message:
            case Welcome(position=position, limit=limit) if self.state is State.GREETING:
                self.state = State.OPEN
                self.known = True
                self.sent = min(max(position, self.acked), tail)
                self._limit = limit
                self._await_acks(now)
            case Ack(position=position, limit=limit) if self.state is State.OPEN:
                if position <= self.sent:
                    self._limit = limit
                    if position > self.acked:
                        self.acked = position
                        self.notice = ""
                    self._await_acks(now)
            case Resync() if self.state is State.OPEN:
                return self.connect(now)
            case Notice(text=text):
                self.notice = text
                if self.state is State.OPEN:
                    self._await_acks(now)
            case Refused(records=records, reason=reason):
                self.refused += records
                self.refusal = reason
            case Reject(reason=reason):
                self.state = State.REFUSED
                self.notice = reason
                self.deadline = None
        return None

    def _await_acks(self, now: float) -> None:
        """Expect the next answer within the usual time if one is due."""
        self.deadline = now + SILENCE_S if self.sent > self.acked else None
