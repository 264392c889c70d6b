"""The threads that encode what is slow, beside the intake.

Pictures, videos and large histograms take milliseconds to seconds, nearly all of it in code that
lets other threads run. A trainer's records stay in order all the same: its stream waits for the
oldest of them, and nobody else does (tbxd.pipeline.stream).
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

from tbxd.encode import encode
from tbxd_wire.records import Record

Events = list[tuple[str, bytes]]
"""Pairs of a directory relative to the author's and a serialized Event."""

_THREADS = min(max(os.cpu_count() or 1, 2), 8)
"""Two at least, so that one long video leaves a way for pictures. Each may hold a record and what
becomes of it, so their number is bounded too."""


class Pool:
    """Encodes records in threads of its own.

    The threads are started with the first record and never waited for: a daemon that was told to
    leave leaves, and what was being encoded is still in a journal.

    Args:
        wake: called from one of them whenever a record is done.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._orders: queue.SimpleQueue[tuple[Future[Events], Record, str] | None] = (
            queue.SimpleQueue()
        )
        self._threads: list[threading.Thread] = []

    def submit(self, record: Record, path: str) -> Future[Events]:
        """Begin to encode a record of the author who writes in ``path``.

        The future gives its events, once the files that it has beside the event file are in place.
        It raises what :func:`tbxd.encode.encode` raises, and OSError if those files cannot be
        written now.
        """
        if not self._threads:
            self._threads = [
                threading.Thread(target=self._run, name=f"tbxd-encode-{number}", daemon=True)
                for number in range(_THREADS)
            ]
            for thread in self._threads:
                thread.start()
        future: Future[Events] = Future()
        self._orders.put((future, record, path))
        return future

    def close(self) -> None:
        """Have the threads end when they have done what they are at."""
        for _ in self._threads:
            self._orders.put(None)
        self._threads = []

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            future, record, path = order
            # Not kept while the thread waits: a record may be large.
            del order
            try:
                future.set_result(_encode(record, path))
            except BaseException as error:
                future.set_exception(error)
            del future, record, path
            self._wake()


def _encode(record: Record, path: str) -> Events:
    return encode(record)
