"""One mapped file of a journal, and how much all of them may take.

Space is reserved before it is mapped, so a full file system refuses a segment here instead of
killing the process later (a store into a hole of a full tmpfs is a SIGBUS). A file gets its name
when it is whole: recovery never meets half a head.

This is the only module of the package that makes and deletes files in the runtime directory. A
child that was forked, by a signal handler, in the midst of that leaves them to its parent.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import threading

from tbxd_wire import segment
from tbxd_wire.descriptors import clear_of_standard
from tbxd_wire.limits import SEGMENT_BYTES, SEGMENT_HEAD_BYTES

from . import fork

FRESH_SUFFIX = ".new"
"""A file has it behind its name until it is published."""

_POPULATED_FROM_BYTES = SEGMENT_BYTES + 1
"""A segment of this size holds a large array, whose copy would else meet a fault at each page."""

_BULKY_SHARE = 0.75
"""Share of the limit that bulky records may fill; the rest is for scalars."""


class Allowance:
    """How many bytes all journals of this process may reserve.

    Args:
        limit_bytes: upper bound for all of them together. Whatever it is, they never take more
            than half of what would be free on the journals' file system without them.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.bulky_bytes = int(limit_bytes * _BULKY_SHARE)
        self.used_bytes = 0
        self._lock = threading.RLock()

    def take(self, size: int, directory: str, *, bulky: bool) -> bool:
        """Reserve ``size`` bytes, or return False."""
        limit = self.bulky_bytes if bulky else self.limit_bytes
        found = os.statvfs(directory)
        free = found.f_bavail * found.f_frsize
        # used + size above half of free + used.
        if self.used_bytes + 2 * size > free:
            return False
        # One step, for what it holds the lock for calls nothing. A signal handler in the midst of
        # it might wait for the sender, and the sender for the lock.
        with self._lock: fits = self.used_bytes + size <= limit; self.used_bytes += size * fits  # fmt: skip # noqa: E501, E701, E702
        return fits

    def give(self, size: int) -> None:
        """Return ``size`` bytes."""
        with self._lock: self.used_bytes -= size  # fmt: skip # noqa: E701


class MappedSegment:
    """One mapped file.

    Attributes:
        base: the stream position of its first frame byte.
        frames: the mapping from there on.
        words: those of its head.
    """

    __slots__ = ("_mine", "base", "capacity", "cuts", "frames", "path", "slot", "used", "words")

    def __init__(
        self, path: str, slot: int, size: int, session: bytes, base: int, hello: bytes, mine: int
    ) -> None:
        """Reserve, map and head a new file of ``size`` bytes under a temporary name.

        Args:
            mine: what ``fork.look`` returned in the process that the session belongs to.

        Raises:
            OSError: no space, no descriptor, no permission; nothing is left behind. Or this is
                a child by now.
            SegmentError: the hello is too long.
        """
        self._mine = mine
        self.path = path
        self.slot = slot
        self.base = base
        self.used = 0
        self.capacity = size - SEGMENT_HEAD_BYTES
        self.cuts: list[int] = []
        head = bytearray(SEGMENT_HEAD_BYTES)
        segment.write_head(memoryview(head), session, base, hello)
        fresh = f"{path}{FRESH_SUFFIX}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = (
            os.open(fresh, flags, 0o600) if fork.generation.value == mine else fork.refuse()
        )
        try:
            os.posix_fallocate(descriptor, 0, size)
            # Not through the mapping: that takes several steps, in the midst of any of them a fork.
            os.pwrite(descriptor, head, 0) if fork.generation.value == mine else fork.refuse()
            # It keeps a descriptor of its own.
            with clear_of_standard():
                self._use(mmap.mmap(descriptor, size, flags=_flags(size)))
        except BaseException:
            delete(fresh, mine)
            raise
        finally:
            os.close(descriptor)

    def publish(self) -> None:
        """Give the file its name: from now on recovery sees it."""
        fresh = f"{self.path}{FRESH_SUFFIX}"
        os.rename(fresh, self.path) if fork.generation.value == self._mine else fork.refuse()

    def hold(self) -> int:
        """Lock the file, not yet published, for as long as this process lives.

        A record lock (fcntl) is dropped by the kernel at any death, is not inherited by a fork,
        and is seen across pid namespaces. It is also dropped when this process closes *any*
        descriptor of the file; besides the returned one only the mapping's own is open.

        Returns:
            The descriptor to close in order to let go.

        Raises:
            OSError: the file system locks nothing, no descriptor, or this is a child by now.
        """
        with clear_of_standard():
            descriptor = os.open(f"{self.path}{FRESH_SUFFIX}", os.O_RDWR | os.O_CLOEXEC)
        how = fcntl.LOCK_EX | fcntl.LOCK_NB
        try:
            fcntl.lockf(descriptor, how) if fork.generation.value == self._mine else fork.refuse()
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def detach(self) -> None:
        """Turn to memory of this process's own; the file and its mapping are left alone."""
        # Nobody reads it, and the kernel makes a page of it only where something is written.
        size = SEGMENT_HEAD_BYTES + self.capacity
        self._use(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE))

    def _use(self, mapping: mmap.mmap) -> None:
        view = memoryview(mapping)
        self.words = segment.words(view)
        self.frames = view[SEGMENT_HEAD_BYTES:]

    def note(self, word: int, value: int) -> None:
        """Store a word of the head, unless this is a child that nobody has told so."""
        if fork.generation: self.words[word] = value  # fmt: skip # noqa: E701

    def rebase(self, base: int) -> None:
        """Use the segment again for frames that begin at ``base``."""
        if fork.generation: self.words[segment.USED] = 0; self.words[segment.BASE] = base  # fmt: skip # noqa: E501, E701, E702
        self.base = base
        self.used = 0
        self.cuts.clear()


def delete(path: str, mine: int) -> None:
    """Delete a file of the process where ``fork.look`` returned ``mine``, if this is that one.

    Somebody may have cleaned the directory up: gone is gone.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path) if fork.generation.value == mine else None


def _flags(size: int) -> int:
    populate = mmap.MAP_POPULATE if size >= _POPULATED_FROM_BYTES else 0
    return mmap.MAP_SHARED | populate
