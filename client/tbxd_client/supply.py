"""Where a journal's segments come from, and where they go when they are released.

Released segments are kept warm for their next use, as touching fresh pages costs several times
the copy into them; a few are enough, the others are deleted at once. New ones are made as the
allowance and the file system permit: larger ones for a long backlog, because each holds a
descriptor, a smaller one where room is scarce.

Guarantees:
    Whatever interrupts a call (Ctrl-C may come anywhere), no file is left that nothing knows of,
    and the allowance is what the files take.
"""

from __future__ import annotations

import itertools
import mmap
import os
from collections.abc import Iterable

from tbxd_wire import frame, places, sizes
from tbxd_wire.limits import (
    FRAME_BODY_BYTES,
    MIB,
    SEGMENT_BYTES,
    SEGMENT_HEAD_BYTES,
    SEGMENT_SMALL_BYTES,
)

from . import fork
from .interruption import is_interruption
from .mapping import FRESH_SUFFIX, Allowance, MappedSegment, delete

_POOL_SEGMENTS = 3
"""Ordinary segments kept warm for the next ones: what a flat-out trainer has in flight."""

_POOL_LARGE_BYTES = 64 * MIB
"""Most that is kept warm in larger segments: the arrays that a training step logs. A fresh page
costs several times the copy into it."""

_LARGE_STEPS = 16
"""A large segment is rounded up to a multiple of the next power of two over this, so that arrays of
about one size use each other's; that is an eighth more at the most."""

_REFUSALS_PER_TRY = 64
"""Who has no room asks the file system again only at every so many refused records: asking costs
20 us, refusing one."""

FRAME_BYTES = frame.HEADER_BYTES + FRAME_BODY_BYTES
"""Largest frame: a longer one is refused, for every daemon would end the session over it."""

_BACKLOG_BYTES = 16 * SEGMENT_BYTES
_SEGMENT_BACKLOG_BYTES = 4 * SEGMENT_BYTES
"""A journal with so much to be sent goes on in segments of this size: 1 GiB in 80 descriptors."""

_SEGMENT_SCARCE_BYTES = SEGMENT_BYTES // 8
"""Tried where there is no room for an ordinary segment."""


class Supply:
    """The segments of one session that hold nothing, and the making of more.

    Not for several threads at once: the journal calls with its lock held.

    Attributes:
        first: slot 0, which exists for as long as the session does and carries its lock.
        pool: segments at hand. Who uses one takes it out.

    Args:
        directory: the runtime directory; must exist.
        session: 16 bytes.
        hello: what recovery must know, for the head of every segment.
        allowance: shared by all journals of the process.
        mine: what ``fork.look`` returned to who named the session; default: what it returns now.

    Raises:
        OSError: slot 0 cannot be made.
        SegmentError: the hello is too long.
    """

    def __init__(
        self,
        directory: str,
        session: bytes,
        hello: bytes,
        allowance: Allowance,
        mine: int | None = None,
    ) -> None:
        self.pool: list[MappedSegment] = []
        self._mine = fork.look() if mine is None else mine
        self._directory = directory
        self._session = session
        self._hello = hello
        self._allowance = allowance
        self._refusals = {False: 0, True: 0}
        self._slots = itertools.count()
        first = self._make(SEGMENT_SMALL_BYTES, 0)
        if first is None:
            raise OSError(f"no room for a journal in {directory} within its limit")
        self.first = first
        try:
            self._lock_file = first.hold()
            try:
                first.publish()
            except BaseException:
                os.close(self._lock_file)
                raise
        except BaseException:
            self._unmake(first)
            raise

    def find(
        self, needed: int, base: int, backlog: int, *, bulky: bool = False
    ) -> MappedSegment | None:
        """Return an empty segment, still in the pool; None if there is no room for one.

        Args:
            needed: bytes of frames it must hold.
            base: stream position at which it begins.
            backlog: bytes of the stream that are not released.
            bulky: whether it is for a record that gives way to others where room is scarce.
        """
        found = self._fitting(needed)
        if found is not None:
            found.rebase(base)
            return found
        ordinary = SEGMENT_HEAD_BYTES + needed <= SEGMENT_BYTES
        if ordinary and self._refusals[bulky] % _REFUSALS_PER_TRY:
            self._refusals[bulky] += 1
            return None
        for size in _sizes(SEGMENT_HEAD_BYTES + needed, backlog):
            try:
                made = self._make(size, base, bulky=bulky)
                if made is not None:
                    self._add_to_pool(made)
                    self._refusals[bulky] = 0
                    return made
            except OSError as error:
                if is_interruption(error):
                    raise
        self._refusals[bulky] += ordinary
        return None

    def _fitting(self, needed: int) -> MappedSegment | None:
        """Return a segment of the pool: an ordinary one for what fits there, else the tightest.

        What is too large for its purpose is left for the arrays that it was made for.
        """
        # The one that was released last is the warmest.
        fitting = [each for each in reversed(self.pool) if each.capacity >= needed]
        ordinary = [each for each in fitting if _is_ordinary(each)]
        if ordinary:
            return max(ordinary, key=lambda each: each.capacity)
        if SEGMENT_HEAD_BYTES + needed <= SEGMENT_BYTES:
            return None
        tight = [each for each in fitting if each.capacity < 2 * needed]
        return min(tight, key=lambda each: each.capacity, default=None)

    def obstacle(self, needed: int, *, bulky: bool) -> str:
        """Return why a segment for ``needed`` bytes of frames can never be; "" if it can."""
        if needed > FRAME_BYTES:
            return f"a record of {needed:,} bytes is larger than any may be, {FRAME_BYTES:,} bytes"
        limit = self._allowance.limit_bytes
        most = self._allowance.bulky_bytes if bulky else limit
        if needed <= most - SEGMENT_HEAD_BYTES:
            return ""
        share = f", of which arrays may take {sizes.text(most)}" if bulky else ""
        return (
            f"a record of {needed:,} bytes does not fit into a journal limited to"
            f" {sizes.text(limit)}{share}"
        )

    def is_scarce(self) -> bool:
        """Whether what is left is for records without arrays, also in segments that have room."""
        used, share = self._allowance.used_bytes, self._allowance.bulky_bytes
        return used > share and used - sum(each.capacity for each in self.pool) > share

    def ask_again(self) -> None:
        """Ask for room at the next record that needs it: something has been released."""
        self._refusals[False] = self._refusals[True] = 0

    def give_back(self, released: MappedSegment) -> None:
        """Take a segment whose frames are all released: for its next use, or to delete it."""
        if _is_ordinary(released):
            kept = sum(map(_is_ordinary, self.pool)) < _POOL_SEGMENTS
        else:
            large = sum(each.capacity for each in self.pool if not _is_ordinary(each))
            kept = large + released.capacity <= _POOL_LARGE_BYTES
        if kept or released is self.first:
            self.pool.append(released)
        else:
            self.drop(released)

    def drop(self, released: MappedSegment) -> None:
        """Delete a segment that is not in the pool."""
        self._allowance.give(released.capacity + SEGMENT_HEAD_BYTES)
        delete(released.path, self._mine)

    def delete(self, in_use: Iterable[MappedSegment]) -> None:
        """Delete all files, those ``in_use`` and those of the pool; :meth:`leave` must follow."""
        # Slot 0 last: recovery finds the others through it.
        for each in sorted({*in_use, *self.pool}, key=lambda each: -each.slot):
            delete(each.path, self._mine)

    def is_there(self) -> bool:
        """Whether the first file still has a name."""
        return os.fstat(self._lock_file).st_nlink > 0

    def leave(self, in_use: Iterable[MappedSegment]) -> None:
        """Give up the allowance of all segments, and the lock that says that somebody lives."""
        for each in {*in_use, *self.pool}:
            self._allowance.give(each.capacity + SEGMENT_HEAD_BYTES)
        os.close(self._lock_file)

    def _make(self, size: int, base: int, *, bulky: bool = False) -> MappedSegment | None:
        """Make a new segment; None if the allowance does not reach.

        Raises:
            OSError: the file system refused.
        """
        size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        if not self._take(size, bulky=bulky):
            return None
        slot = next(self._slots)
        path = os.path.join(self._directory, places.journal_name(self._session, slot))
        try:
            return MappedSegment(path, slot, size, self._session, base, self._hello, self._mine)
        except BaseException:
            # An interrupt may come when it is just made.
            self._allowance.give(size)
            delete(f"{path}{FRESH_SUFFIX}", self._mine)
            raise

    def _take(self, size: int, *, bulky: bool) -> bool:
        """Reserve ``size`` bytes of the allowance, if need be at the cost of the large segments
        that are only kept warm."""
        while not self._allowance.take(size, self._directory, bulky=bulky):
            spare = next((each for each in self.pool if not _is_ordinary(each)), None)
            if spare is None:
                return False
            self.pool = [each for each in self.pool if each is not spare]
            self.drop(spare)
        return True

    def _add_to_pool(self, made: MappedSegment) -> None:
        """Publish a new segment and have it at hand.

        Raises:
            OSError: the file system refused; the segment is gone.
        """
        try:
            made.publish()
            # A child has those of the pool taken away; this one it leaves to its parent.
            self.pool = [*self.pool, made] if fork.generation.value == self._mine else fork.refuse()
        except BaseException:
            # An interrupt may come when it is just published, but not when it is in the pool.
            self._unmake(made)
            raise

    def _unmake(self, made: MappedSegment) -> None:
        """Delete a new segment, published or not."""
        delete(f"{made.path}{FRESH_SUFFIX}", self._mine)
        self.drop(made)


def _is_ordinary(each: MappedSegment) -> bool:
    return each.capacity + SEGMENT_HEAD_BYTES <= SEGMENT_BYTES


def _sizes(least: int, backlog: int) -> list[int]:
    """Return the sizes to try for a segment of ``least`` bytes or more, best first."""
    sizes = [SEGMENT_BYTES, _SEGMENT_SCARCE_BYTES]
    if backlog > _BACKLOG_BYTES:
        sizes.insert(0, _SEGMENT_BACKLOG_BYTES)
    step = (1 << least.bit_length()) // _LARGE_STEPS
    return [size for size in sizes if size >= least] or [-(-least // step) * step, least]
