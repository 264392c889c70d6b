"""One file system that is written to: what waits for it, what it refused, what is to be synced.

All that asks it anything is done by threads of its own. So a file system that is slow, or does not
answer at all, holds up the sessions that write there, and nobody else.

A file whose write failed is tried again after RETRY_FIRST_S, and then after twice the time, up to
RETRY_MOST_S. All files that need a sync are synced together. Whatever cannot even be begun, as
there is no thread or no memory for it, is begun again after RETRY_FIRST_S; it is trouble meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future

from tbxd.complaints import Complaints
from tbxd.config import Config, Fsync
from tbxd.threads import NoThread

from .descriptors import Descriptors
from .event_file import EventFile
from .lane import Blocked, Lane
from .patience import Patience
from .ticket import Ticket

RETRY_FIRST_S = 0.5
RETRY_MOST_S = 5.0

_log = logging.getLogger(__name__)


class Disk:
    """Writes, retries and syncs the event files of one file system.

    Args:
        config: when to sync.
        wake: called from another thread when :meth:`finish` has something to find.
        patience: how long the caller of :meth:`finish` waits for what it has begun.
        descriptors: which of the event files are open.

    Attributes:
        writing: the thread that writes, to which the event files belong; for short questions too.
        reading: the thread that reads what is there, which may be much.
        syncing: the thread for what goes to stable storage before it is of use.
    """

    def __init__(
        self,
        config: Config,
        wake: Callable[[], None],
        patience: Patience | None = None,
        descriptors: Descriptors | None = None,
    ) -> None:
        patience = patience or Patience()
        self.writing = Lane("tbxd-write", wake, patience)
        self.reading = Lane("tbxd-read", wake, patience)
        self.syncing = Lane("tbxd-sync", wake, patience)
        self.descriptors = descriptors or Descriptors()
        # Those that sessions wait for.
        self._awaited = [self.writing, self.reading]
        if config.fsync is Fsync.COMMIT:
            self._awaited.append(self.syncing)
        self._wake = wake
        self._fsync = config.fsync
        self._interval_s = config.fsync_interval_s if config.fsync is Fsync.INTERVAL else 0.0
        self._complaints = Complaints(_log)
        # Rounds that wait; those that are being written, with the files that are tried again.
        self._tickets: list[Ticket] = []
        self._begun: list[Ticket] = []
        self._write: Future[None] | None = None
        self._written: set[EventFile] = set()
        self._retried: list[EventFile] = []
        # When to try a file again, and after how long.
        self._stuck: dict[EventFile, tuple[float, float]] = {}
        # Files to be synced; those that are being synced.
        self._unsynced: set[EventFile] = set()
        self._sync: Future[dict[EventFile, OSError]] | None = None
        self._synced: set[EventFile] = set()
        self._next_sync = 0.0
        # Why the last round of writes was not done at all, and when it is begun again.
        self._failure: str | None = None
        self._next_write = 0.0

    @property
    def trouble(self) -> str | None:
        """Why nothing gets on here, or None."""
        return self._failure or next(
            (lane.trouble for lane in self._awaited if lane.trouble is not None), None
        )

    @property
    def stuck(self) -> bool:
        """Whether the last write of any file has failed, or nothing gets on at all."""
        return bool(self._stuck) or self.trouble is not None

    @property
    def settled(self) -> bool:
        """Whether every file is written and, if the policy says so at all, synced."""
        waits = self._tickets or self._write or self._stuck or self._unsynced or self._sync
        return not waits

    @property
    def deadline(self) -> float | None:
        """When there is something to do here, on the monotonic clock; None: not by itself."""
        due: list[float | None] = []
        if self._write is not None:
            # When it ends, the loop is woken; until then there is only word to be given.
            due.append(self.writing.silent_at)
        elif self._failure is not None:
            due.append(self._next_write)
        else:
            due += [when for when, _ in self._stuck.values()]
        if self._unsynced and self._sync is None:
            due.append(self._next_sync)
        return min((each for each in due if each is not None), default=None)

    def write(self, ticket: Ticket) -> None:
        """Have a round written, behind all that was given here before."""
        self._tickets.append(ticket)

    def begin(self, now: float) -> None:
        """Begin to write what waits, and to try again what is due.

        Args:
            now: the monotonic clock.
        """
        if self._write is not None or (self._failure is not None and now < self._next_write):
            return
        due = [file for file, (when, _) in self._stuck.items() if now >= when]
        if not self._tickets and not due:
            self._failure = None
            return
        self._begun, self._tickets = self._tickets, []
        self._written, self._retried = {ticket.file for ticket in self._begun}, due
        self._write = self.writing.begin(_write, self._begun, due)

    def finish(self, now: float, *, at_once: bool = False) -> None:
        """See what has been written and synced by now, and begin to sync what is due.

        Waits for what :meth:`begin` has begun, but not for long.

        Args:
            now: the monotonic clock.
            at_once: sync what would be synced later.
        """
        while self._write is not None and self._is_over(self._write, now):
            self._write = None
            self._begun = []
            self._note_writes(now)
            # Before any of these files is the thread's again: a busy one might always be.
            self._see_sync(now)
            # What came while it was late: nothing else may wake the loop for that.
            self.begin(now)
        self._see_sync(now)
        if self._unsynced and self._sync is None and (at_once or now >= self._next_sync):
            self._synced, self._unsynced = self._unsynced, set()
            self._sync = self.syncing.begin(_sync, tuple(self._synced))
            self._sync.add_done_callback(lambda _: self._wake())

    def close(self, timeout_s: float = 1.0) -> bool:
        """Close the event files and end the threads; nothing may be asked of them any more.

        Args:
            timeout_s: how long to wait for each. One that is late is left in what it does.

        Returns:
            Whether nothing will be written any more.
        """
        if self.descriptors.count:
            self.writing.begin(self.descriptors.close_all)
        lanes = (self.writing, self.reading, self.syncing)
        ended = [lane.close(0.0 if lane.is_late else timeout_s) for lane in lanes]
        return ended[0]

    def _is_over(self, write: Future[None], now: float) -> bool:
        """Whether a write is, in one way or another; until then the files are its thread's."""
        try:
            self.writing.wait(write)
        except Blocked:
            return False
        except OSError as error:
            self._note_failure(error, now)
        else:
            self._failure = None
        return True

    def _note_failure(self, error: OSError, now: float) -> None:
        """Begin again later, with the first round that its file has not got."""
        self._tickets[:0] = [ticket for ticket in self._begun if not ticket.is_delivered]
        self._failure = error.strerror
        self._next_write = now + RETRY_FIRST_S
        self._complaints.say("write", f"nothing can be written: {error.strerror}", now)

    def _note_writes(self, now: float) -> None:
        """Take care of the files that have just been written to, or would not have it."""
        for file in self._retried:
            _, delay_s = self._stuck.pop(file)
            self._try_again(file, now, min(2 * delay_s, RETRY_MOST_S))
        for file in self._written:
            if file not in self._stuck:
                self._try_again(file, now, RETRY_FIRST_S)
        if self._fsync is Fsync.NEVER:
            return
        for file in self._written.union(self._retried):
            if not self._unsynced and self._fsync is Fsync.INTERVAL:
                # The first byte of an interval waits for all of it, and none waits longer.
                self._next_sync = max(self._next_sync, now + self._interval_s)
            self._unsynced.add(file)

    def _being_written(self, files: Collection[EventFile]) -> bool:
        """Whether any of the files belongs to the thread that writes now."""
        return self._write is not None and not self._written.union(self._retried).isdisjoint(files)

    def _try_again(self, file: EventFile, now: float, delay_s: float) -> None:
        if file.pending:
            self._stuck[file] = (now + delay_s, delay_s)

    def _see_sync(self, now: float) -> None:
        """See whether the sync is over, unless one of its files is being written."""
        if self._sync is not None and self._sync.done() and not self._being_written(self._synced):
            self._note_sync(self._sync, now)

    def _note_sync(self, sync: Future[dict[EventFile, OSError]], now: float) -> None:
        self._sync = None
        error = sync.exception()
        if isinstance(error, NoThread):
            # No sync has failed, so nothing is in doubt.
            self._complaints.say("sync", f"event files are not synced: {error.strerror}", now)
            self._unsynced |= self._synced
            self._synced = set()
            self._next_sync = now + RETRY_FIRST_S
            return
        failed: Mapping[EventFile, BaseException]
        failed = sync.result() if error is None else dict.fromkeys(self._synced, error)
        for file in self._synced - failed.keys():
            file.trust()
        for file, reason in failed.items():
            self._complaints.say("sync", f"an event file cannot be synced: {reason}", now)
            file.distrust()
            if file not in self._stuck:
                self._try_again(file, now, RETRY_FIRST_S)
            self._unsynced.add(file)
            self._next_sync = now + RETRY_FIRST_S
        self._synced = set()


def _write(tickets: Collection[Ticket], due: Collection[EventFile]) -> None:
    for ticket in tickets:
        ticket.deliver()
    for file in due:
        file.retry()


def _sync(files: Collection[EventFile]) -> dict[EventFile, OSError]:
    failed = {}
    for file in files:
        try:
            file.sync()
        except OSError as error:
            failed[file] = error
    return failed
