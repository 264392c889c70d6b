"""The files a round was written to: those that are stuck, and those that are to be synced.

A file whose write failed is tried again after RETRY_FIRST_S, and then after twice the time, up to
RETRY_MOST_S. Syncs go to a helper thread, all files that need one together.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from tbxd.complaints import Complaints
from tbxd.config import Config, Fsync
from tbxd.sinks.event_file import EventFile

from .syncer import Syncer

RETRY_FIRST_S = 0.5
RETRY_MOST_S = 5.0

_log = logging.getLogger(__name__)


class Storage:
    """Retries and syncs event files.

    Args:
        config: when to sync.
        wake: called from another thread when :meth:`work` has something to find.
    """

    def __init__(self, config: Config, wake: Callable[[], None]) -> None:
        self._fsync = config.fsync
        self._interval_s = config.fsync_interval_s if config.fsync is Fsync.INTERVAL else 0.0
        self._syncer: Syncer[EventFile] = Syncer(wake)
        self._complaints = Complaints(_log)
        self._stuck: dict[EventFile, tuple[float, float]] = {}
        self._unsynced: set[EventFile] = set()
        self._syncing: set[EventFile] = set()
        self._next_sync = 0.0

    @property
    def stuck(self) -> bool:
        """Whether the last write of any file has failed."""
        return bool(self._stuck)

    @property
    def settled(self) -> bool:
        """Whether every file is written and, if the policy says so at all, synced."""
        return not (self._stuck or self._unsynced or self._syncer.working)

    @property
    def deadline(self) -> float | None:
        """When :meth:`work` has something to do, on the monotonic clock; None: not by itself."""
        due = [when for when, _ in self._stuck.values()]
        if self._unsynced and not self._syncer.working:
            due.append(self._next_sync)
        return min(due, default=None)

    def note(self, file: EventFile, now: float) -> None:
        """Take care of a file that has just been appended to."""
        if file.pending and file not in self._stuck:
            self._stuck[file] = (now + RETRY_FIRST_S, RETRY_FIRST_S)
        if self._fsync is not Fsync.NEVER:
            if not self._unsynced and self._fsync is Fsync.INTERVAL:
                # The first byte of an interval waits for all of it, and none waits longer.
                self._next_sync = max(self._next_sync, now + self._interval_s)
            self._unsynced.add(file)

    def work(self, now: float, *, at_once: bool = False) -> None:
        """Try again what is due, and begin to sync what is due; with ``at_once`` all of it."""
        for file, (when, delay_s) in list(self._stuck.items()):
            if now >= when:
                if file.retry():
                    del self._stuck[file]
                else:
                    delay_s = min(2 * delay_s, RETRY_MOST_S)
                    self._stuck[file] = (now + delay_s, delay_s)
        if self._syncer.working:
            self._collect(now)
        if self._unsynced and not self._syncer.working and (at_once or now >= self._next_sync):
            self._syncing, self._unsynced = self._unsynced, set()
            self._syncer.sync(self._syncing)

    def close(self) -> None:
        """End the helper thread."""
        self._syncer.close()

    def _collect(self, now: float) -> None:
        failed = dict(self._syncer.collect())
        if self._syncer.working:
            return
        for file in self._syncing - failed.keys():
            file.trust()
        for file, error in failed.items():
            self._complaints.say("sync", f"an event file cannot be synced: {error}", now)
            file.distrust()
            self.note(file, now)
            self._next_sync = now + RETRY_FIRST_S
        self._syncing = set()
