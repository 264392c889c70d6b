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
from dataclasses import dataclass

from tbxd.encode import beside, encode
from tbxd.format.projection import Projection
from tbxd.threads import NoThread, started
from tbxd_wire.records import Record

Events = list[tuple[str, bytes]]
"""Pairs of a directory relative to the author's and a serialized Event."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """What becomes of one record."""

    events: Events
    beside: Projection | None = None
    """Files that must be in place before the events are written."""


_Order = tuple[Future[Encoded], Record]

_THREADS = min(max(os.cpu_count() or 1, 2), 8)
"""Two at least, so that one long video leaves a way for pictures. Each may hold a record and what
becomes of it, so their number is bounded too."""

LOOK_AHEAD = 2 * _THREADS
"""Records of one stream that may be in the pool, or done and not settled. It keeps all
threads at work for a single trainer. More would gain nothing, but one trainer's records would
stand before those of all others, and what they become, which no window bounds, fill the memory."""


class Pool:
    """Encodes records in threads of its own.

    The threads are started with the first record, as many as there can be, and never waited for:
    a daemon that was told to leave leaves, and what was being encoded is still in a journal.

    Args:
        wake: called from one of them whenever a record is done.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def encode(self, record: Record) -> Future[Encoded]:
        """Begin to encode a record; the future raises what the encoders raise.

        Raises:
            NoThread: there is none to do it; it may be tried again.
        """
        try:
            while len(self._threads) < _THREADS:
                self._threads.append(started(self._run, f"tbxd-encode-{len(self._threads)}"))
        except NoThread:
            if not self._threads:
                raise
        future: Future[Encoded] = Future()
        self._orders.put((future, record))
        return future

    def close(self) -> None:
        """Have the threads end when they have done what they are at."""
        for _ in self._threads:
            self._orders.put(None)
        self._threads = []

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            future, record = order
            # Not kept while the thread waits: a record may be large.
            del order
            try:
                future.set_result(Encoded(encode(record), beside(record)))
            except BaseException as error:
                future.set_exception(error)
            del future, record
            self._wake()
