"""One session of this process: its journal and its machine, and what each must tell the other."""

from __future__ import annotations

from collections.abc import Iterator

from tbxd_wire.messages import Batch, Bye, Hello, Message

from .journal import Journal
from .outbox import Outbox, State
from .void import Void


class Stream:
    """Ties a journal to an outbox.

    Attributes:
        session: 16 bytes.
        told_shed: of how many shed records the daemon has heard.
        wanted: position somebody waits to see committed.
        ending: True once the writer is closed: nothing will be appended.
        cause: name of the exception because of which it was; "" for none.
        gave_up_at: the committed position at which somebody has waited for room in vain.
        done: True once the journal has been removed, or left to a daemon.
    """

    def __init__(self, session: bytes, journal: Journal | Void, outbox: Outbox) -> None:
        self.session = session
        self.journal = journal
        self.outbox = outbox
        self.told_shed = 0
        self.wanted = 0
        self.gave_up_at: int | None = None
        self.ending = False
        self.cause = ""
        self.done = False

    def unsent(self) -> int:
        """Return how many bytes may be sent now."""
        tail = self.journal.tail
        return 0 if self.outbox.sendable(tail) is None else tail - self.outbox.sent

    def pending(self) -> int:
        """Return how many bytes in the journal are not committed."""
        return self.journal.tail - self.outbox.acked

    def is_pending(self) -> bool:
        """Whether there is something for a daemon to do, and one that would do it."""
        if self.outbox.state is State.REFUSED:
            return False
        return self.pending() > 0 or self.owes_word()

    def owes_word(self) -> bool:
        """Whether records were shed, and no batch is there that would tell the daemon of it.

        It hears of the first one, and whenever they are twice as many.
        """
        shed = self.journal.shed
        return shed > 0 and shed >= 2 * self.told_shed and self.pending() == 0

    def has_work(self) -> bool:
        """Whether, with a connection, something can be sent."""
        if self.outbox.state is State.SILENT:
            return self.is_pending()
        return self.unsent() > 0 or (self.outbox.state is State.OPEN and self.owes_word())

    def is_urgent(self) -> bool:
        """Whether somebody waits for bytes that can be sent now."""
        return self.wanted > self.outbox.sent and self.unsent() > 0

    def awaits_record(self) -> bool:
        """Whether the next record would be something to do: all others are on their way."""
        return self.outbox.state is not State.REFUSED and self.outbox.sent >= self.journal.tail

    def batches(self, now: float) -> Iterator[Batch]:
        """Yield all that the window lets pass, as messages to send at once."""
        tail = self.journal.tail
        while (limit := self.outbox.sendable(tail)) is not None:
            payload, end = self.journal.batch(self.outbox.sent, limit)
            yield self._batch(payload, end, tail, now)
        if self.outbox.state is State.OPEN and self.owes_word():
            yield self._batch(b"", self.outbox.sent, tail, now)

    def _batch(self, payload: bytes | memoryview, end: int, tail: int, now: float) -> Batch:
        self.told_shed = self.journal.shed
        return self.outbox.batch(payload, end, tail, self.told_shed, now)

    def receive(self, message: Message, now: float) -> Hello | None:
        """Take a message about this session; return the hello to answer with, if any."""
        known, acked = self.outbox.known, self.outbox.acked
        answer = self.outbox.receive(message, self.journal.tail, now)
        if self.outbox.known and not known:
            self.journal.mark_known()
        if self.outbox.acked > acked:
            self.journal.release(self.outbox.acked)
        return answer

    def look(self) -> None:
        """End the session if its journal is gone, so that the next record begins a new one.

        Somebody has deleted it; or has opened and closed it in this process, which drops its lock,
        and a daemon has taken it for a dead one's.
        """
        if not self.journal.is_there():
            self.ending = True

    def finish(self) -> bool:
        """Remove the journal if everything in it is committed; return whether it is gone now."""
        if not self.done and self.journal.remove(self.outbox.acked):
            self.done = True
            return True
        return False

    def end(self, cause: str = "") -> None:
        """Have it end as soon as all that it holds is committed.

        Args:
            cause: name of the exception because of which it ends; "" for none.
        """
        self.cause = cause
        # Another daemon may be there by now.
        self.told_shed = 0
        self.journal.end(failed=bool(cause))
        self.wanted = self.journal.tail
        self.ending = True

    def is_over(self) -> bool:
        """Whether waiting for a stream that is ending is no use any more.

        It is done; or all that was wanted is committed, and somebody still appends.
        """
        return self.done or self.journal.tail > self.wanted <= self.outbox.acked

    def abandon(self) -> None:
        """Leave the journal to a daemon that will find it."""
        if not self.done:
            self.done = True
            self.journal.leave()

    def bye(self) -> Bye:
        """Return the message that ends the session."""
        return self.outbox.bye(self.outbox.acked, self.journal.shed, self.cause)
