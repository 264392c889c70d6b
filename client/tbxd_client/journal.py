"""This process's journal: frames in memory-mapped segments that outlive the process.

Appending copies a frame into a mapping and then stores one word; from that instant the record
survives the process, whatever ends it: the pages belong to the kernel. The bytes are never written
again elsewhere: the sender hands out slices of the same mapping, and a daemon that finds the
segments of a dead process reads the same bytes (format: tbxd_wire.segment).

How a record is appended is tbxd_client.appending's matter; here is what the sender's thread does.

Guarantees:
    A slice handed out by ``batch`` stays valid until its bytes are released.
"""

from __future__ import annotations

from bisect import bisect_right

from tbxd_wire import segment
from tbxd_wire.limits import BATCH_BYTES

from .appending import BUSY, Appender


class Journal(Appender):
    """The journal of one session: see :class:`~tbxd_client.appending.Appender` for its making."""

    @property
    def path(self) -> str:
        """Name of its first file, which is there until all of it is committed."""
        return self._first.path

    @property
    def tail(self) -> int:
        """Position behind the last appended frame."""
        with self._lock:
            if self._tail != BUSY:
                self._append_deferred()
                self._current.used = self._tail
            return self._current.base + self._current.used

    def deferred_bytes(self) -> int:
        """Return how much this thread has logged that lies in no file before this call returns.

        It has interrupted an append, behind which that goes.
        """
        if not self.is_held_here():
            return 0
        return sum(len(each) for each in self._deferred if each is not None)

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
            return source.frames[position - source.base : end - source.base], end

    def release(self, position: int) -> None:
        """Free what lies before ``position``: it is committed and will not be sent again."""
        with self._lock:
            self._first.note(segment.RELEASED, position)
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
            if self.closed or self._tail == BUSY:
                return
            # Whatever runs below may run a destructor, and that may log: it waits until the end.
            self._placed, self._tail = self._tail, BUSY
            try:
                position = self._current.base + self._placed
                if self._first.words[segment.RELEASED] == position:
                    self._keep_first(position)
            finally:
                self._tail = self._placed
            self._append_deferred()

    def _keep_first(self, position: int) -> None:
        """Go on at ``position`` in the first segment, with nothing in any; the tail is busy."""
        supply = self._supply
        held = (*self._segments, *supply.pool)
        spare = [each for each in held if each is not self._first]
        if self._current is not self._first:
            self._first.rebase(position)
            self._use(self._first)
            self._placed = 0
        self._segments, supply.pool = [self._first], []
        self._next_stop(self._placed)
        for each in spare:
            supply.drop(each)

    def mark_known(self) -> None:
        """Note that a daemon has welcomed the session: event files may hold parts of it."""
        self._first.note(segment.KNOWN, 1)

    def is_there(self) -> bool:
        """Whether its first file still has a name, so that a daemon could find it."""
        with self._lock:
            return self.closed or self._supply.is_there()

    # -- the end

    def is_held_here(self) -> bool:
        """Whether this call has interrupted another one, of this journal and its own thread."""
        held: bool = self._lock._is_owned()  # type: ignore[attr-defined]
        return held

    def end(self, *, failed: bool = False) -> None:
        """Note that the writer ends; what is not yet committed stays for a daemon.

        Args:
            failed: because of an exception that nobody has caught.
        """
        self._first.note(segment.ENDED, segment.FAILED if failed else segment.IN_ORDER)

    def leave(self) -> None:
        """Let go of the files: a daemon may take over what they hold."""
        with self._lock:
            if self.closed:
                return
            if self._tail == BUSY:
                # Called from within an append, which is to be in the files when they are left.
                self._deferred.append(None)
                return
            self._append_deferred()
            if not self.closed:
                self._let_go()

    def remove(self, position: int) -> bool:
        """Delete the files if nothing lies behind ``position``; return whether they are gone."""
        with self._lock:
            self._append_deferred()
            if self.closed or self._tail == BUSY:
                return False
            # One step, as in append. From then on nothing is taken, also of what runs below.
            if self._current.base + self._tail == position: self.closed, self._stop = True, 0  # fmt: skip # noqa: E501, E701
            if not self.closed:
                return False
            self._supply.delete(self._segments)
            self._let_go()
            return True
