"""One helper thread that forces event files onto stable storage, so that the loop never stalls.

A sync takes milliseconds on a good disk and seconds on a busy one. The loop hands over a set of
files and goes on; when all of them are done it is woken and collects what failed.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection
from typing import Generic, Protocol, TypeVar


class Syncable(Protocol):
    """A file whose ``sync`` may be called from any thread."""

    def sync(self) -> None:
        """Have all that is written on stable storage; OSError if the storage failed."""


_File = TypeVar("_File", bound=Syncable)


class Syncer(Generic[_File]):
    """Syncs one set of files at a time.

    Args:
        wake: called from the helper thread when a set is done.

    The thread is started with the first set and is never waited for longer than asked: a network
    file system may hold a sync up for ever.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._orders: queue.SimpleQueue[tuple[_File, ...] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[list[tuple[_File, OSError]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._working = False

    @property
    def working(self) -> bool:
        """Whether a set was handed over and not collected yet."""
        return self._working

    def sync(self, files: Collection[_File]) -> None:
        """Hand a set of files over. Only while not :attr:`working`."""
        if self._working:
            raise RuntimeError("the last files are not synced yet")
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tbxd-sync", daemon=True)
            self._thread.start()
        self._working = True
        self._orders.put(tuple(files))

    def collect(self) -> list[tuple[_File, OSError]]:
        """Return what failed of the set that is done; an empty list also if none is done yet."""
        try:
            failed = self._results.get_nowait()
        except queue.Empty:
            return []
        self._working = False
        return failed

    def close(self, timeout_s: float = 1.0) -> None:
        """End the thread, and wait for it for a moment."""
        if self._thread is not None:
            self._orders.put(None)
            self._thread.join(timeout_s)
            self._thread = None

    def _run(self) -> None:
        while (files := self._orders.get()) is not None:
            failed = []
            for file in files:
                try:
                    file.sync()
                except OSError as error:
                    failed.append((file, error))
            self._results.put(failed)
            self._wake()
