"""Putting frames into a journal's segments: the caller's side of it.

The quick way is for a record without arrays that fits where the last one ended, and takes less than
a microsecond. Everything else is placed: a record with arrays, which are copied straight to where
they stay; the first record behind a cut, in another segment, or in one that is all released and
so begins anew, its pages warm.

Guarantees:
    A full disk or an exhausted allowance refuses a record; it never kills, and never blocks.
    May be called from any thread, from a signal handler and from a destructor that interrupts
    another append. It never waits for anything but another append.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Sequence
from zlib import crc32

from tbxd_wire import frame, segment
from tbxd_wire.arrays import Source
from tbxd_wire.limits import CUT_BYTES

from . import fork
from .mapping import Allowance, MappedSegment
from .supply import FRAME_BYTES, Supply

BUSY = sys.maxsize
"""Value of the tail while a frame is being copied: nothing fits behind it."""

_HAS_GIL = getattr(sys, "_is_gil_enabled", lambda: True)()
"""The quick way stands on it; without, every append takes the lock."""

_USED = segment.USED
_generation = fork.generation
_pack_header = frame.HEADER.pack


class Appender:
    """The segments of one session, as far as they are written to.

    Attributes:
        parked: True while the sender sleeps; the append that finds it set wakes the sender.
        shed: records given up so far because there was no room.
        closed: True once ``leave`` or ``remove`` was called.
        records: records appended so far.

    Args:
        directory: the runtime directory; must exist.
        session: 16 bytes.
        hello: what recovery must know, for the head of every segment.
        allowance: shared by all journals of the process.
        wake: called, without any lock, by the first append after ``parked`` was set.
        mine: what ``fork.look`` returned to who named the session; default: what it returns now.

    Raises:
        OSError: the first segment cannot be made.
        SegmentError: the hello is too long.
    """

    def __init__(
        self,
        directory: str,
        session: bytes,
        hello: bytes,
        allowance: Allowance,
        wake: Callable[[], None],
        mine: int | None = None,
    ) -> None:
        self.parked = True
        self.shed = 0
        self.records = 0
        self._wake = wake
        # For all but the quick way. Reentrant, so that a signal handler that logs finds the tail
        # busy instead of a deadlock.
        self._lock = threading.RLock()
        # What interrupted a slow append and waits for its end: frames, and None for ``leave``.
        self._deferred: list[bytes | None] = []
        self.closed = False
        self._supply = Supply(directory, session, hello, allowance, mine)
        self._first = self._supply.first
        self._segments = [self._first]
        self._current: MappedSegment
        self._stop: int
        self._use(self._first)
        # Counted from the segment's first frame, as what ``_frames`` holds is.
        self._tail = self._placed = 0
        self._next_stop(self._tail)
        fork.watch(self)

    def append(self, body: bytes) -> bool:
        """Put one record into the journal; return whether there was room.

        From the return of True on, the record survives the death of this process; but one that is
        logged by what has interrupted a slow append of its own thread does from the end of that one
        on. False: nothing was appended; the journal is full, or ``closed``.
        """
        # What frame.encode does, without the call: this is the path that has a microsecond.
        data = _pack_header(len(body), crc32(body)) + body
        size = len(data)
        while True:
            tail = self._tail
            end = tail + size
            where = slice(tail, end)
            # No lock: CPython changes threads, runs signal handlers and collects garbage only where
            # something is called, a container is made or a loop goes round, and calls tracers only
            # at another line. There is none of it in the next one, so that it is one step from its
            # comparison to its last store. Its second store is what commits the record. The
            # generation is 0 in a child that nobody has told so.
            if self._tail == tail and end <= self._stop and _generation: self._frames[where], self._words[_USED], self._tail = data, end, end; self.records += 1; break  # fmt: skip # noqa: E501, E701, E702
            if end > self._stop or not _generation:
                return self._append_slowly(data, (), size)
        if self.parked:
            self.parked = False
            self._wake()
        return True

    def append_arrays(self, record: bytes, sources: Sequence[Source]) -> bool:
        """Put a record with arrays into the journal; return whether there was room.

        As :meth:`append`; the elements are copied once, to where they stay.

        Raises:
            What ``copy_to`` of a source raises (a device that failed); nothing was appended.
        """
        elements_bytes = 0
        for each in sources:
            elements_bytes += each.nbytes
        before = frame.encode_before(record, elements_bytes)
        return self._append_slowly(before, sources, len(before) + elements_bytes)

    def _append_slowly(self, data: bytes, sources: Sequence[Source], size: int) -> bool:
        """Append where the quick way cannot: arrays, at a cut, in another segment, while busy.

        Args:
            data: a frame, or what of it comes before the elements of ``sources``.
            sources: the arrays; none for a record without.
            size: bytes of all of it.
        """
        # Looked at first: a destructor may log when ``fork`` itself has been taken apart.
        if not _generation:
            fork.look()
        interrupting = True
        lock = self._lock
        # Not a with statement: Ctrl-C may come between any two steps, also of such a one.
        try:
            lock.acquire()
            interrupting = self._tail == BUSY
            appended = self._append_locked(data, sources, size)
        except BaseException:
            self._recover(lock, interrupting)
            raise
        lock.release()
        if self.parked:
            self.parked = False
            self._wake()
        return appended

    def _recover(self, lock: threading.RLock, interrupting: bool) -> None:
        """Leave an append that was interrupted, itself perhaps ``interrupting`` another."""
        try:
            if not interrupting and self._tail == BUSY:
                self._tail = self._placed
            if self._deferred:
                # Should this be interrupted, too, the next append comes behind these.
                self._stop = 0
                # There may be none: a signal handler has logged, closed and raised SystemExit.
                self._append_deferred()
        finally:
            # The interrupt may have come before the lock was taken.
            with contextlib.suppress(RuntimeError):
                lock.release()

    def _append_locked(self, data: bytes, sources: Sequence[Source], size: int) -> bool:
        """Append with the lock held. Meanwhile the tail is busy, perhaps already by another one."""
        if self.closed:
            return False
        if self._tail == BUSY:
            # This call interrupted an append of its own thread, which takes these bytes along.
            if None in self._deferred:
                return False
            self._deferred.append(data + _elements(sources))
            return True
        # At once: the quick way takes no lock.
        self._placed, self._tail = self._tail, BUSY
        try:
            if self._deferred:
                self._place_deferred()
            appended = self._place(data, sources, size)
            if self._deferred:
                self._place_deferred()
        finally:
            self._tail = self._placed
        return appended

    def _append_deferred(self) -> None:
        """Append what could not be while something else was going on."""
        if self._deferred and self._tail != BUSY:
            self._placed, self._tail = self._tail, BUSY
            try:
                self._place_deferred()
            finally:
                self._tail = self._placed

    def _place_deferred(self) -> None:
        """Do, in order, what was asked for while the journal was busy; it still is."""
        while self._deferred:
            data = self._deferred[0]
            if data is None:
                if not self.closed:
                    self._let_go()
            elif not self._place(data, (), len(data)):
                self.count_shed()
            del self._deferred[0]

    def _place(self, data: bytes, sources: Sequence[Source], size: int) -> bool:
        """Put a frame behind ``_placed``; return whether there was room."""
        start = self._placed
        current = self._current
        current.used = start
        if self.closed or size > FRAME_BYTES:
            return False
        base = current.base + current.used
        backlog = base - self._first.words[segment.RELEASED]
        if not backlog and current.used and size <= current.capacity:
            # All of it is released: the next record goes where the pages are warm. An interrupt
            # finds all of this done or nothing of it: it calls nothing.
            if _generation: current.words[_USED] = 0; current.words[segment.BASE] = base  # fmt: skip # noqa: E501, E701, E702
            current.base = base
            current.used = 0
            current.cuts = []
            self._placed = start = 0
        elif sources and self._supply.is_scarce():
            return False
        elif current.used + size > current.capacity:
            following = self._supply.find(size, base, backlog, bulky=bool(sources))
            if following is None:
                return False
            current.cuts.append(base)
            supply = self._supply
            pool = [each for each in supply.pool if each is not following]
            # Here, too; and a child finds it in one of the two, to detach it.
            self._segments, supply.pool = [*self._segments, following], pool
            self._current = following
            self._frames = following.frames
            self._words = following.words
            self._placed = start = 0
            self._stop = 0
        elif current.used:
            current.cuts.append(base)
        end = start + len(data)
        # One step, as the others of its kind: a signal handler may fork anywhere else, and a child
        # that goes on from there stores nothing in what is its parent's.
        if _generation: self._frames[start:end] = data  # fmt: skip # noqa: E701
        for each in sources:
            start, end = end, end + each.nbytes
            if _generation: each.copy_to(self._frames[start:end])  # fmt: skip # noqa: E701
        self._next_stop(end, size)
        if _generation: self._words[_USED] = end  # fmt: skip # noqa: E701
        self._placed = end
        self.records += 1
        return True

    def count_shed(self) -> None:
        """Count a record that was refused, and is given up. Waits for no append."""
        # One step, as in append: the lock's holder may have been interrupted by a signal handler
        # that waits for this caller.
        if _generation: self.shed += 1; self._first.words[segment.SHED] = self.shed  # fmt: skip # noqa: E701, E702

    def obstacle(self, record: bytes, sources: Sequence[Source] = ()) -> str:
        """Return why there would be no room for a record even if all were released; "" if not."""
        size = frame.HEADER_BYTES + frame.LEAD_BYTES + len(record)
        size += sum(each.nbytes for each in sources)
        return self._supply.obstacle(size, bulky=bool(sources))

    def forget_parent(self) -> None:
        """In a forked child: from now on nothing here is the parent's any more.

        The fork may have come from a signal handler, and the append that it interrupted goes on in
        the child: it finds the journal closed, or writes where nobody reads.
        """
        self._lock = threading.RLock()
        self.closed, self._stop, self.parked = True, 0, False
        for each in {*self._segments, *self._supply.pool}:
            each.detach()
        self._frames, self._words = self._current.frames, self._current.words

    def _use(self, following: MappedSegment) -> None:
        """Append to ``following`` from now on."""
        self._current = following
        self._frames = following.frames
        self._words = following.words

    def _next_stop(self, tail: int, size: int = 0) -> None:
        """Have the quick way stop at the next cut or at the segment's end.

        Behind a large record of ``size`` bytes it stops at once: nothing may make its batch longer.
        """
        end = self._current.capacity
        self._stop = min(end, tail if size > CUT_BYTES else tail + CUT_BYTES) if _HAS_GIL else 0

    def _let_go(self) -> None:
        self.closed = True
        self._stop = 0
        self._supply.leave(self._segments)


def _elements(sources: Sequence[Source]) -> bytes:
    """Return the elements of arrays as they are now: they may change later."""
    buffer = bytearray(sum(each.nbytes for each in sources))
    view = memoryview(buffer)
    for each in sources:
        each.copy_to(view[: each.nbytes])
        view = view[each.nbytes :]
    return bytes(buffer)
