"""This process's journal: frames in memory-mapped segments that outlive the process.

Appending copies a frame into a mapping and then stores one word; from that instant the record
survives the process, whatever ends it: the pages belong to the kernel. The bytes are never written
again elsewhere: the sender hands out slices of the same mapping, and a daemon that finds the
segments of a dead process reads the same bytes (format: tbxd_wire.segment).

Guarantees:
    A full disk or an exhausted allowance refuses a record; it never kills, and never blocks.
    ``append`` may be called from any thread, from a signal handler and from a destructor that
    interrupts another append. It never waits for anything but another append.
    A slice handed out by ``batch`` stays valid until its bytes are released.
"""

from __future__ import annotations

import contextlib
import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from zlib import crc32

from tbxd_wire import frame, segment
from tbxd_wire.arrays import Source
from tbxd_wire.limits import BATCH_BYTES, CUT_BYTES, SEGMENT_HEAD_BYTES

from .mapping import Allowance, MappedSegment
from .supply import Supply

_BUSY = -1
"""Value of the tail while a frame is being copied."""

_USED = segment.USED
_pack_header = frame.HEADER.pack


class Journal:
    """The journal of one session.

    Attributes:
        parked: True while the sender sleeps; the append that finds it set wakes the sender.
        shed: records refused so far because there was no room.
        closed: True once ``leave`` or ``remove`` was called.
        records: records appended so far.

    Args:
        directory: the runtime directory; must exist.
        session: 16 bytes.
        hello: what recovery must know, for the head of every segment.
        allowance: shared by all journals of the process.
        wake: called, without any lock, by the first append after ``parked`` was set.

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
    ) -> None:
        self.parked = True
        self.shed = 0
        self.records = 0
        self._wake = wake
        # Reentrant, so that a signal handler that logs finds the tail busy instead of a deadlock.
        self._lock = threading.RLock()
        self._acquire = self._lock.acquire
        self._release = self._lock.release
        # What interrupted an append and waits for its end: frames, and None for ``leave``.
        self._deferred: list[bytes | None] = []
        self.closed = False
        self._supply = Supply(directory, session, hello, allowance)
        self._first = self._supply.first
        self._segments = [self._first]
        self._current: MappedSegment
        self._stop: int
        self._use(self._first)
        self._tail = self._placed = SEGMENT_HEAD_BYTES
        self._next_stop(self._tail)

    # -- appending: the caller's thread

    def append(self, body: bytes) -> bool:
        """Put one record into the journal; return whether there was room.

        From the return of True on, the record survives the death of this process. False: nothing
        was appended; the journal is full, or ``closed``.
        """
        # What frame.encode does, without the call, and what a with statement does, in half its
        # time: this is the path that has a microsecond.
        data = _pack_header(len(body), crc32(body)) + body
        size = len(data)
        tail = _BUSY
        try:
            self._acquire()
            # Python runs signal handlers only where something is called or a loop goes round. So
            # none can append between here and the last store: nothing is called there.
            tail = self._tail
            end = tail + size
            if tail < 0 or end > self._stop:
                appended = self._append_beyond(data, (), size)
            else:
                self._tail = _BUSY
                self._map[tail:end] = data
                self._words[_USED] = end - SEGMENT_HEAD_BYTES
                self._tail = end
                self.records += 1
                appended = True
                if self._deferred:
                    self._append_deferred()
        except BaseException:
            self._recover(tail)
            raise
        self._release()
        if self.parked:
            self.parked = False
            self._wake()
        return appended

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
        tail = _BUSY
        try:
            self._acquire()
            tail = self._tail
            appended = self._append_beyond(before, sources, len(before) + elements_bytes)
        except BaseException:
            self._recover(tail)
            raise
        self._release()
        if self.parked:
            self.parked = False
            self._wake()
        return appended

    def _recover(self, tail: int) -> None:
        """Leave an append that was interrupted: Ctrl-C may come between any two of its steps."""
        if tail >= 0 and self._tail == _BUSY:
            self._tail = tail
        if self._deferred:
            # The next append comes behind these.
            self._stop = 0
        # The interrupt may have come before the lock was taken.
        with contextlib.suppress(RuntimeError):
            self._release()

    def _append_beyond(self, data: bytes, sources: Sequence[Source], size: int) -> bool:
        """Append where the quick way cannot: arrays, at a cut, in another segment, while busy.

        Args:
            data: a frame, or what of it comes before the elements of ``sources``.
            sources: the arrays; none for a record without.
            size: bytes of all of it.
        """
        if self.closed:
            return False
        if self._tail < 0:
            # This call interrupted an append of its own thread, which takes these bytes along.
            if None in self._deferred:
                return False
            self._deferred.append(data + _elements(sources))
            return True
        self._placed = self._tail
        self._tail = _BUSY
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
        if self._deferred and self._tail >= 0:
            self._placed = self._tail
            self._tail = _BUSY
            try:
                self._place_deferred()
            finally:
                self._tail = self._placed

    def _place_deferred(self) -> None:
        """Do, in order, what was asked for while the journal was busy; it still is."""
        while self._deferred:
            data = self._deferred[0]
            if data is None:
                self._let_go()
            else:
                self._place(data, (), len(data))
            del self._deferred[0]

    def _place(self, data: bytes, sources: Sequence[Source], size: int) -> bool:
        """Put a frame behind ``_placed``; return whether there was room."""
        start = self._placed
        current = self._current
        current.used = start - SEGMENT_HEAD_BYTES
        if self.closed:
            return False
        base = current.base + current.used
        backlog = base - self._first.words[segment.RELEASED]
        if not backlog and current.used and size <= current.capacity:
            # All of it is released: the next record goes where the pages are warm. An interrupt
            # finds all of this done or nothing of it: it calls nothing.
            current.words[_USED] = 0
            current.words[segment.BASE] = base
            current.base = base
            current.used = 0
            current.cuts = []
            self._placed = start = SEGMENT_HEAD_BYTES
        elif current.used + size > current.capacity:
            following = self._supply.find(size, base, backlog, bulky=bool(sources))
            if following is None:
                self.shed += 1
                self._first.words[segment.SHED] = self.shed
                return False
            current.cuts.append(base)
            supply = self._supply
            pool = [each for each in supply.pool if each is not following]
            # Here, too.
            supply.pool = pool
            self._segments += [following]
            self._current = following
            self._map = following.map
            self._words = following.words
            self._placed = start = SEGMENT_HEAD_BYTES
            self._stop = 0
        elif current.used:
            current.cuts.append(base)
        end = start + len(data)
        self._map[start:end] = data
        for each in sources:
            start, end = end, end + each.nbytes
            each.copy_to(self._map[start:end])
        self._next_stop(end, size)
        self._words[_USED] = end - SEGMENT_HEAD_BYTES
        self._placed = end
        self.records += 1
        return True

    def _use(self, following: MappedSegment) -> None:
        """Append to ``following`` from now on."""
        self._current = following
        self._map = following.map
        self._words = following.words

    def _next_stop(self, tail: int, size: int = 0) -> None:
        """Have the quick way stop at the next cut or at the segment's end.

        Behind a large record of ``size`` bytes it stops at once: nothing may make its batch longer.
        """
        end = SEGMENT_HEAD_BYTES + self._current.capacity
        self._stop = min(end, tail if size > CUT_BYTES else tail + CUT_BYTES)

    # -- sending and releasing: the sender's thread

    @property
    def tail(self) -> int:
        """Position behind the last appended frame."""
        with self._lock:
            if self._tail >= 0:
                self._append_deferred()
                self._current.used = self._tail - SEGMENT_HEAD_BYTES
            return self._current.base + self._current.used

    def batch(self, position: int, limit: int) -> tuple[memoryview, int]:
        """Return frames from ``position`` on, and the position behind them.

        As many whole frames as reach neither beyond ``limit`` nor beyond BATCH_BYTES, all from
        one segment; but at least up to the first cut, even if that is further.

        Args:
            position: a frame's beginning between what is released and the tail, not the tail.
            limit: a position.
        """
        with self._lock:
            tail = self.tail
            index = bisect_right(self._segments, position, key=lambda each: each.base) - 1
            source = self._segments[index]
            end = source.base + source.used if source is not self._current else tail
            bound = min(limit, position + BATCH_BYTES)
            if end > bound:
                # Cuts lie before the segment's end; take the last one in reach, else the first.
                last = bisect_right(source.cuts, bound) - 1
                if last >= 0 and source.cuts[last] > position:
                    end = source.cuts[last]
                else:
                    first = bisect_right(source.cuts, position)
                    end = source.cuts[first] if first < len(source.cuts) else end
            start = SEGMENT_HEAD_BYTES + position - source.base
            return source.map[start : start + end - position], end

    def release(self, position: int) -> None:
        """Free what lies before ``position``: it is committed and will not be sent again."""
        with self._lock:
            self._first.words[segment.RELEASED] = position
            self._supply.ask_again()
            while len(self._segments) > 1:
                oldest = self._segments[0]
                if oldest.base + oldest.used > position:
                    break
                del self._segments[0]
                self._supply.give_back(oldest)

    def trim(self) -> None:
        """Give back all but the first segment, if everything is released: the writer is idle."""
        with self._lock:
            self._append_deferred()
            tail, current = self._tail, self._current
            position = current.base + tail - SEGMENT_HEAD_BYTES
            if tail == _BUSY or self.closed or self._first.words[segment.RELEASED] < position:
                return
            # Whatever runs below may run a destructor, and that may log: it waits until the end.
            self._tail = _BUSY
            try:
                supply = self._supply
                held = (*self._segments, *supply.pool)
                spare = [each for each in held if each is not self._first]
                if current is not self._first:
                    self._first.rebase(position)
                    self._use(self._first)
                    tail = SEGMENT_HEAD_BYTES
                self._segments, supply.pool = [self._first], []
                self._next_stop(tail)
                for each in spare:
                    supply.drop(each)
            finally:
                self._tail = tail
            self._append_deferred()

    def mark_known(self) -> None:
        """Note that a daemon has welcomed the session: event files may hold parts of it."""
        self._first.words[segment.KNOWN] = 1

    # -- the end

    def end(self) -> None:
        """Note that the writer ends in good order; what is not yet committed stays for a daemon."""
        self._first.words[segment.ENDED] = 1

    def leave(self) -> None:
        """Let go of the files: a daemon may take over what they hold."""
        with self._lock:
            if self._tail == _BUSY:
                # Called from within an append, which is to be in the files when they are left.
                self._deferred.append(None)
                return
            self._append_deferred()
            self._let_go()

    def remove(self, position: int) -> bool:
        """Delete the files if nothing lies behind ``position``; return whether they are gone."""
        with self._lock:
            self._append_deferred()
            tail = self._current.base + self._tail - SEGMENT_HEAD_BYTES
            if self.closed or self._tail == _BUSY or tail != position:
                return False
            # At once: whatever runs below may run a destructor, and that may log.
            self.closed = True
            self._stop = 0
            self._supply.delete(self._segments)
            self._let_go()
            return True

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
