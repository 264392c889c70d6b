"""The journal of one dead session: its segments in order, and the whole frames they hold.

Reads with plain reads, not through a mapping: a file that shrinks while it is read must not kill
the daemon. Holds the journal's lock for as long as it is open, so that no other daemon takes it
up. Deletes what was read to its end, and sets aside, under ``<name>.damaged``, what was not; before
that it writes into slot 0 that all is committed, and nothing ever into a segment beside that.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

from tbxd_wire import frame, places, segment
from tbxd_wire.errors import SegmentError
from tbxd_wire.limits import PAYLOAD_BYTES, SEGMENT_HEAD_BYTES

from .lock import try_lock

DAMAGED_SUFFIX = ".damaged"

CHUNK_BYTES = 128 * 1024
"""What is taken at a time: some 3,000 scalars, 6 ms of work. Living trainers, whose records wait
for that long, come before the haste of the dead."""

_WORD = struct.Struct("=Q")
_RELEASED_OFFSET = segment.WORDS_OFFSET + segment.RELEASED * _WORD.size
_MAJOR_OFFSET = len(segment.MAGIC) - 1


class OtherVersion(Exception):
    """A segment of a format that this release does not read; it is nobody's fault."""


class Unreadable(Exception):
    """No segment of the journal tells what session it is of."""


class Busy(Exception):
    """The journal is not to be had: its process lives, another daemon is at it, or it is gone."""


@dataclass(slots=True)
class _Segment:
    path: str
    slot: int
    head: segment.Head
    unreadable: int = 0
    """Bytes of it that are no frames; known once it was read."""

    @property
    def end(self) -> int:
        return self.head.base + self.head.used


class DeadJournal:
    """What a dead process left of one session.

    Raises:
        Busy: there is nothing to be done here now.
        OtherVersion: it is of another major version.
        Unreadable: no segment has a readable head; all of them have been set aside.
    """

    def __init__(self, directory: str, session: bytes, slots: list[int]) -> None:
        slots = sorted(slots)
        self._directory = directory
        self._session = session
        self._locked_slot = slots[0]
        self._lock = self._take(slots[0])
        self._segments: list[_Segment] = []
        self._damaged: list[tuple[int, str]] = []
        self._others: list[tuple[int, str, int]] = []
        try:
            for slot in slots:
                self._open(slot)
            self._judge_others()
        except BaseException:
            self.close()
            raise
        if not self._segments:
            self._set_aside()
            self.close()
            raise Unreadable
        first = self._segments[0].head
        self.hello = first.hello
        """One part, as tbxd_wire.messages encodes a hello."""
        # The words that describe the session as a whole are slot 0's alone. If it is damaged, all
        # that is left is sent again, and the event files know what they have.
        whole = first if self._segments[0].slot == 0 else None
        reach = max(each.end for each in self._segments)
        self.released = min(each.head.base for each in self._segments)
        if whole is not None and whole.released <= reach:
            self.released = whole.released
        self.shed = whole.shed if whole else 0
        self.ended = whole.ended if whole else False
        self.failed = whole.failed if whole else False
        self._segments.sort(key=lambda each: (each.head.base, each.slot))
        self.end = reach
        """Position behind the last frame it claims to hold."""

    @property
    def unreadable(self) -> int:
        """Bytes found so far that are no frames."""
        return sum(each.unreadable for each in self._segments)

    @property
    def damaged(self) -> bool:
        """Whether anything was found so far that could not be read."""
        return bool(self._damaged) or self.unreadable > 0

    def chunk(self, position: int) -> tuple[int, memoryview] | None:
        """Return the next whole frames and the position at which they begin.

        About CHUNK_BYTES of them, or one longer one. They begin at ``position``, or behind it if
        what lies between is in no segment, or unreadable; None: there are no more. What lies
        behind an unreadable frame in its segment has no reliable beginning, and is unreadable too.

        Raises:
            OSError: a segment cannot be read.
        """
        for each in self._segments:
            start = max(position, each.head.base)
            if start >= each.end - each.unreadable:
                continue
            if len(frames := self._frames(each, start)):
                return start, frames
            each.unreadable = each.end - start
        return None

    def rest(self, position: int) -> None:
        """What lies behind ``position`` cannot be taken: set its segments aside at the end."""
        for each in self._segments:
            if each.end > position:
                each.unreadable = max(each.unreadable, each.end - max(position, each.head.base))

    def finish(self) -> None:
        """Everything readable is committed: delete the files, set the damaged aside, let go.

        Raises:
            OSError: a file cannot be removed or renamed.
        """
        for each in self._segments:
            if each.unreadable:
                self._damaged.append((each.slot, each.path))
        kept = {path for _, path in self._damaged}
        spent = [(each.slot, each.path) for each in self._segments if each.path not in kept]
        # Should this be interrupted: slot 0, through which the others are found, goes last, and
        # though it may be any of them in the stream, none of those that have gone is missed.
        if not kept and self._locked_slot == 0:
            os.pwrite(self._lock, _WORD.pack(self.end), _RELEASED_OFFSET)
        for _, path in sorted(spent, key=lambda each: each[0] == 0):
            os.unlink(path)
        self._set_aside()
        self.close()

    def close(self) -> None:
        """Let go of the lock; the files stay as they are."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _take(self, slot: int) -> int:
        """Lock the lowest slot's file; everybody who asks about this journal asks there."""
        path = self._path(slot)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            raise Busy from None
        try:
            if not try_lock(descriptor):
                raise Busy
            # Removed by its owner, or by another daemon, between the opening and the locking?
            if os.fstat(descriptor).st_nlink == 0:
                raise Busy
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _open(self, slot: int) -> None:
        """Read the head of one segment."""
        path = self._path(slot)
        try:
            data = self._read(path, slot, SEGMENT_HEAD_BYTES)
        except FileNotFoundError:
            return
        magic = bytes(data[: _MAJOR_OFFSET + 1])
        # There is no version 0: that is a head that was written in part.
        if magic[:-1] == segment.MAGIC[:-1] and magic[-1] not in (0, segment.MAGIC[-1]):
            self._others.append((slot, path, magic[-1]))
            return
        try:
            head = segment.read_head(data)
            if head.session != self._session:
                raise SegmentError("the name and the head tell of different sessions")
        except SegmentError:
            self._damaged.append((slot, path))
        else:
            self._segments.append(_Segment(path, slot, head))

    def _judge_others(self) -> None:
        """Tell a journal of another version from one in which that is damage.

        One process of one release has written all of it.
        """
        if self._others and not self._segments:
            _, path, version = self._others[0]
            raise OtherVersion(f"{path} is of version {version}")
        self._damaged += [(slot, path) for slot, path, _ in self._others]

    def _frames(self, wanted: _Segment, position: int) -> memoryview:
        """Return the whole frames of a segment that begin at a position, a chunk or one of them.

        Nothing is kept for the next chunk: hundreds of journals may wait for a disk.
        """
        offset = SEGMENT_HEAD_BYTES + position - wanted.head.base
        claimed = wanted.end - position
        data = self._read(wanted.path, wanted.slot, min(CHUNK_BYTES, claimed), offset)
        if len(data) >= frame.HEADER_BYTES:
            word, _ = frame.HEADER.unpack_from(data)
            first = frame.HEADER_BYTES + frame.body_length(word)
            if len(data) < first <= min(claimed, PAYLOAD_BYTES):
                data = self._read(wanted.path, wanted.slot, first, offset)
        return memoryview(data)[: frame.whole(data)]

    def _read(self, path: str, slot: int, size: int, offset: int = 0) -> bytes:
        """Return up to ``size`` bytes of a segment's file, from ``offset`` on.

        The file whose lock is held is read through that descriptor: closing any other one would
        drop the lock.
        """
        if slot == self._locked_slot:
            return _read_file(self._lock, size, offset)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return _read_file(descriptor, size, offset)
        finally:
            os.close(descriptor)

    def _path(self, slot: int) -> str:
        return os.path.join(self._directory, places.journal_name(self._session, slot))

    def _set_aside(self) -> None:
        for _, path in sorted(self._damaged, reverse=True):
            os.rename(path, path + DAMAGED_SUFFIX)


def _read_file(descriptor: int, size: int, offset: int) -> bytes:
    # Never asks for more than there is: a frame may claim anything, and the buffer is made first.
    return os.pread(descriptor, min(size, max(os.fstat(descriptor).st_size - offset, 0)), offset)
