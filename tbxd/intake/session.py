"""One session's stream as the daemon sees it: what was accepted, what is committed, what is due.

A pure machine: positions in, decisions out. It holds two positions of the session's byte stream::

    0 ....... committed ............ accepted ............ committed + window
      is in its      accepted, not yet      may still be sent
      event files    known to be there

and these rules:

* A batch is accepted in order. What lies before ``accepted`` is a duplicate (the client repeats
  itself after a lost ack or a new connection) and is cut off; a batch that is one as a whole is
  dropped unread, but an ack is due, for the first may be what was lost. A batch that begins behind
  ``accepted`` shows a gap: the client is asked to say hello again. (So is one that begins where
  nothing was granted, or ends where no stream does: only a client that lies gets there.)
* Both sides cut at frame ends, so a cut that falls into a frame is found by the frame's checksum
  and ends the session.
* A hello to a daemon that knows the session is welcomed at ``accepted``. If the client cannot go
  back that far, the bytes between are gone: counted, and the stream goes on.
* A hello to a daemon that does not know it is welcomed at the hello's own position: what older
  event files already hold is dropped there, event by event.
* Nothing the client sends takes the session backwards, and what was accepted before it ended or
  was rejected is still committed.

Never keeps a payload, and never knows the time.
"""

from __future__ import annotations

import enum

from tbxd_wire.errors import VersionError
from tbxd_wire.limits import POSITION_MAX, PROTOCOL_NEWEST, PROTOCOL_OLDEST
from tbxd_wire.messages import Ack, Hello, Reject, Welcome, common_version


@enum.unique
class State(enum.Enum):
    """How a session stands, as `tbxd status` names it."""

    LIVE = "live"
    """Its process lives, or is not known not to; or what it sent before its end is not all
    committed yet."""
    CLOSED = "closed"
    """Ended in good order, and everything is committed."""
    DIED = "died"
    """Its process is gone without a word of farewell, or an exception has ended it."""
    REJECTED = "rejected"
    """It sent what could not be read; nothing more is taken from it."""


@enum.unique
class Verdict(enum.Enum):
    """What is to be done with a batch."""

    ACCEPT = 1
    """Take it from the offset on."""
    DUPLICATE = 2
    """Drop it; an ack is due."""
    GAP = 3
    """Drop it; ask for a new hello."""
    OVER = 4
    """Drop it; the session was rejected."""


class Session:
    """The positions and the state of one session."""

    __slots__ = (
        "_died",
        "_ended_at",
        "_granted",
        "_rejection",
        "accepted",
        "ack_due",
        "cause",
        "committed",
        "gap_bytes",
        "hello",
        "name",
        "resumes",
        "window",
    )

    def __init__(self, hello: Hello, *, recovered: bool = False) -> None:
        """Begin with the first hello; ``recovered`` if it was read from a journal's head."""
        self.hello = hello
        self.name = hello.session
        self.accepted = hello.position
        """Everything before it has been taken over."""
        self.committed = hello.position
        """Everything before it is in its event files."""
        self.window = 0
        """Bytes behind ``committed`` that were granted last."""
        self.ack_due = False
        """Whether the client waits for an ack."""
        self.gap_bytes = 0
        """Bytes of the stream that nobody could send any more."""
        self.resumes = hello.known or recovered
        """Whether event files of an earlier daemon may hold parts of this session."""
        self.cause = ""
        """Name of the exception that has ended it; "" for none."""
        self._ended_at: int | None = None
        self._granted = 0
        self._died = False
        self._rejection: str | None = None

    @property
    def state(self) -> State:
        """How the session stands."""
        if self._rejection is not None:
            return State.REJECTED
        if self._died:
            return State.DIED
        ended = self._ended_at is not None and self.committed >= self._ended_at
        return State.CLOSED if ended else State.LIVE

    @property
    def rejection(self) -> str | None:
        """Why the session was rejected; None while it is not."""
        return self._rejection

    @property
    def uncommitted(self) -> int:
        """Bytes accepted and not yet known to be in their event files."""
        return self.accepted - self.committed

    def _grant(self, window: int) -> int:
        """Return the position up to which the client may send: one that a message can name."""
        self.window = window
        limit = min(self.committed + window, POSITION_MAX)
        # What is on its way when a grant shrinks was sent by an earlier one.
        self._granted = max(self._granted, limit)
        return limit

    def welcome(self, hello: Hello, window: int) -> Welcome | Reject:
        """Answer a hello, the first or a later one.

        The answer's position is ``accepted``, and an ack follows if more is committed than the
        client has heard of. A closed or died session that says hello again lives again.
        """
        version = common_version(hello.oldest, hello.newest)
        if version is None:
            theirs = (hello.oldest, hello.newest)
            return self.reject(str(VersionError(theirs, (PROTOCOL_OLDEST, PROTOCOL_NEWEST))))
        if self._rejection is not None:
            return Reject(self.name, self._rejection)
        self.skip(hello.position)
        self._ended_at = None
        self._died = False
        self.cause = ""
        self.ack_due = self.committed > hello.position
        return Welcome(self.name, version, self.accepted, self._grant(window))

    def offer(self, position: int, size: int) -> tuple[Verdict, int]:
        """Judge a batch of ``size`` bytes that begins at ``position``.

        Returns:
            What to do, and for ``ACCEPT`` the offset of the first new byte.
        """
        if self._rejection is not None:
            return Verdict.OVER, 0
        if position > self.accepted or position + size > POSITION_MAX:
            return Verdict.GAP, 0
        if position + size <= self.accepted:
            self.ack_due = True
            return Verdict.DUPLICATE, 0
        if position >= self._granted:
            return Verdict.GAP, 0
        return Verdict.ACCEPT, self.accepted - position

    def accept(self, position: int) -> None:
        """The frames before ``position`` have been taken over."""
        if position < self.accepted:
            raise ValueError(f"accepted goes back from {self.accepted} to {position}")
        self.accepted = position

    def skip(self, position: int) -> int:
        """The stream goes on at ``position``; return how many bytes are gone (0: none)."""
        gone = max(position - self.accepted, 0)
        if gone:
            # With nothing in between to be written, the gap is committed as soon as what lies
            # before it is.
            if self.committed == self.accepted:
                self.committed = position
            self.accepted = position
            self.gap_bytes += gone
        return gone

    def commit(self, position: int) -> None:
        """Every event of the frames before ``position`` is in its event file."""
        if not self.committed <= position <= self.accepted:
            raise ValueError(
                f"committed goes from {self.committed} to {position}, accepted is {self.accepted}"
            )
        self.committed = position
        self.ack_due = True

    def acknowledge(self, window: int) -> Ack:
        """Return the ack that is due, with a new grant."""
        self.ack_due = False
        return Ack(self.name, self.committed, self._grant(window))

    def end(self, position: int, cause: str = "") -> Verdict:
        """The client says that nothing follows ``position``.

        Args:
            cause: name of the exception that has ended it: it has died of that; "" for none.

        Returns:
            ``ACCEPT``; ``GAP`` if bytes before ``position`` never arrived; ``OVER``.
        """
        if self._rejection is not None:
            return Verdict.OVER
        if position > self.accepted:
            return Verdict.GAP
        self._ended_at = position
        self._died = bool(cause)
        self.cause = cause
        self.ack_due = True
        return Verdict.ACCEPT

    def die(self) -> None:
        """The session's process is gone."""
        self._died = True

    def reopen(self, *, ended: bool = False) -> None:
        """Take up a session whose process is gone, from its journal.

        A rejection came from what arrived on the socket; the journal may well be sound.

        Args:
            ended: whether the journal says that its writer was closed: the session has not died.
        """
        self._died = not ended
        self._rejection = None
        self.resumes = True

    def reject(self, reason: str) -> Reject:
        """End the session because of ``reason``; the first reason is kept."""
        if self._rejection is None:
            self._rejection = reason
        return Reject(self.name, self._rejection)
