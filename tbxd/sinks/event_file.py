"""The event file of one directory: bytes appended, whatever the disk says.

An :class:`EventFile` is a stream of buffers on its way to disk. It opens its file when there is a
first buffer to write, under a name that sorts behind all that are there, and writes the file's
header and that buffer as one. Each buffer is handed to the kernel at once. What the kernel does
not take stays pending, to the byte, and :meth:`EventFile.retry` goes on exactly there.

Offsets count the bytes of the buffers since the object was made. They know nothing of headers or
of files: if the file is deleted or moved away, the next write begins a new one with the first
buffer that was not whole, and the count goes on. So an offset that was handed out stays valid.

It never appends to, truncates or renames a file that this process did not create, and it creates
no other file. All methods belong to one thread, except :meth:`EventFile.sync`.
"""

from __future__ import annotations

import errno
import itertools
import os
import time
from collections import deque
from collections.abc import Callable

from tbxd.format import header
from tbxd.format.names import event_file_name
from tbxd.format.tfrecord import frame
from tbxd_wire.paths import safe_suffix

from . import directories
from .bounds import UNBOUNDED, Bounds
from .descriptors import Descriptors

_numbers = itertools.count()
"""Numbers the files of this process, as part of their names."""

_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)

_NAME_TRIES = 100
"""Each failed try means that somebody took the name between the listing and the opening."""


class EventFile:
    """One directory's event file, opened when there is something to write.

    Args:
        directory: absolute; made, with its parents, when the file is opened.
        descriptors: shared by all event files of the process.
        host: for the file's name.
        suffix: end of the file's name.
        bounds: where it may lie, and what is to stay free there.
        clock: returns the wall time in seconds since 1970.

    Raises:
        RecordError: ``suffix`` cannot end a file's name.
    """

    def __init__(
        self,
        directory: str,
        descriptors: Descriptors,
        *,
        host: str,
        suffix: str = "",
        bounds: Bounds = UNBOUNDED,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.directory = directory
        self.path: str | None = None
        """The file that is being written, or None before the first write."""
        self.appended = 0
        """Bytes of all buffers that were appended."""
        self.written = 0
        """Bytes of the buffers that the kernel has taken whole."""
        self.synced = 0
        """Bytes of the buffers that are known to be on stable storage."""
        self.trouble: str | None = None
        """Why the last write failed; None when nothing is pending."""
        self._descriptors = descriptors
        self._host = host
        self._suffix = safe_suffix(suffix)
        self._bounds = bounds
        self._clock = clock
        self._pending: deque[bytes] = deque()
        self._rest = memoryview(b"")
        # Of the open file: which one it is, its size, and the directories made for it.
        self._identity = (0, 0)
        self._file_bytes = 0
        self._unsynced_directories: list[str] = []

    @property
    def pending(self) -> bool:
        """Whether something appended is not written yet."""
        return bool(self._pending)

    @property
    def pending_bytes(self) -> int:
        """Bytes of the buffers that are kept because the kernel has not taken them whole."""
        return self.appended - self.written

    def append(self, buffer: bytes) -> int:
        """Write ``buffer`` behind all that was appended before, now or as soon as it is possible.

        Args:
            buffer: whole records, at least one; kept until it is written.

        Returns:
            The offset behind it: it is written when ``written`` reaches this.

        Guarantees:
            Raises nothing for anything that the file system does: see ``trouble``.
        """
        if not buffer:
            raise ValueError("there is nothing to append")
        self.appended += len(buffer)
        self._pending.append(buffer)
        # While an earlier buffer waits, a timer decides when to try again.
        if len(self._pending) == 1:
            self._rest = memoryview(buffer)
            self.retry()
        return self.appended

    def retry(self) -> bool:
        """Write what is pending, as far as it goes; return whether all of it is written."""
        if not self._pending:
            return True
        try:
            self._write_all()
        except OSError as error:
            if error.errno in _OUT_OF_DESCRIPTORS and self._descriptors.shrink():
                return self.retry()
            reason = error.strerror or str(error)
            self.trouble = f"{reason}: {self.path or self.directory}"
            return False
        self.trouble = None
        return True

    def sync(self) -> None:
        """Have all that is written now on stable storage before returning; from any thread.

        Raises:
            OSError: the storage failed; nothing new counts as synced.
        """
        # Read in this order, the other thread can only make the sync cover more than it counts.
        written = self.written
        path, unsynced = self.path, self._unsynced_directories
        if written == self.synced:
            return
        # Who deleted or moved a file has decided about what was in it: only the one that is being
        # written counts.
        if path is not None:
            self._sync_file(path)
            while unsynced:
                directories.sync(unsynced[-1])
                unsynced.pop()
        self.synced = max(self.synced, written)

    def _sync_file(self, path: str) -> None:
        descriptor = self._descriptors.duplicate(self)
        try:
            if descriptor is None:
                # Closed to make room for another file; any descriptor of the file will do.
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            os.fdatasync(descriptor)
        except FileNotFoundError:
            pass
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def close(self) -> None:
        """Give the descriptor back; what is pending stays so, and a later write opens again."""
        self._descriptors.close(self)

    def _write_all(self) -> None:
        self._forget_lost_file()
        while self._pending:
            self._write()

    def _write(self) -> None:
        """Write the rest of the first pending buffer once.

        Raises:
            OSError: the kernel took nothing, or too little would stay free.
        """
        descriptor = self._descriptors.use(self)
        if descriptor is None:
            descriptor = self._open_again() if self.path else None
            if descriptor is None:
                descriptor = self._create()
        self._bounds.check_room(descriptor, len(self._rest))
        count = os.write(descriptor, self._rest)
        self._file_bytes += count
        self._rest = self._rest[count:]
        if not self._rest:
            self.written += len(self._pending.popleft())
            if self._pending:
                self._rest = memoryview(self._pending[0])

    def _create(self) -> int:
        """Make the file, and set its header before what is pending."""
        self._bounds.check_place(self.directory)
        made = directories.make(self.directory)
        for _ in range(_NAME_TRIES):
            name = event_file_name(
                os.listdir(self.directory),
                self._clock(),
                self._host,
                os.getpid(),
                next(_numbers),
                self._suffix,
            )
            path = os.path.join(self.directory, name)
            try:
                descriptor = os.open(
                    path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666
                )
                break
            except FileExistsError:
                continue
        else:
            raise FileExistsError(f"{_NAME_TRIES} names for an event file are taken")
        try:
            self._bounds.check_opened(descriptor)
        except OSError:
            os.close(descriptor)
            os.unlink(path)
            raise
        self._descriptors.keep(self, descriptor)
        self._unsynced_directories = [*made, self.directory]
        self._identity = _identity(os.fstat(descriptor))
        self._file_bytes = 0
        self.path = path
        self._rest = memoryview(frame([header.encode(self._clock())]) + self._pending[0])
        return descriptor

    def _open_again(self) -> int | None:
        """Return a new descriptor of the file, or None if it is not as this process left it."""
        assert self.path is not None
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        found = os.fstat(descriptor)
        if _identity(found) != self._identity or found.st_size != self._file_bytes:
            os.close(descriptor)
            self._forget_file()
            return None
        self._descriptors.keep(self, descriptor)
        return descriptor

    def _forget_lost_file(self) -> None:
        """Turn away from a file that was deleted, moved or replaced: nobody reads it there."""
        if self.path is None:
            return
        try:
            found = os.stat(self.path)
        except (FileNotFoundError, NotADirectoryError):
            self._forget_file()
        else:
            if _identity(found) != self._identity:
                self._forget_file()

    def _forget_file(self) -> None:
        self._descriptors.close(self)
        self.path = None
        self._unsynced_directories = []


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
