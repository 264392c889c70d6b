"""The event file of one directory: bytes appended, whatever the disk says.

An :class:`EventFile` is a stream of buffers on its way to disk. It opens its file when there is a
first buffer to write, under a name that sorts behind all that are there, and writes the file's
header and that buffer as one. Each buffer is handed to the kernel at once. What the kernel does
not take stays pending, to the byte, and :meth:`EventFile.retry` goes on exactly there.

Offsets count the bytes of the buffers since the object was made. They know nothing of headers or
of files: if the file is deleted or moved away, the next write begins a new one with the first
buffer that was not whole, and the count goes on. So an offset that was handed out stays valid.

After a sync that failed, nobody knows what of the last bytes the storage has, and the next sync
may well succeed without them: the kernel forgets what it could not store. An event file that was
told to be ``doubting`` keeps what is not synced yet, cuts its file back to what is, and writes the
rest into a new one.

It never appends to, truncates or renames a file that this process did not create, and it creates
no other file. All methods belong to one thread, except :meth:`EventFile.sync`.
"""

from __future__ import annotations

import errno
import os
import time
from collections import deque
from collections.abc import Callable

from tbxd.format import header
from tbxd.format.tfrecord import frame
from tbxd_wire.paths import safe_suffix

from . import directories
from .bounds import UNBOUNDED, Bounds
from .creation import create
from .descriptors import Descriptors
from .unsynced import Unsynced

_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)


class EventFile:
    """One directory's event file, opened when there is something to write.

    Args:
        directory: absolute; made, with its parents, when the file is opened.
        descriptors: shared by all event files of the process.
        host: for the file's name.
        suffix: end of the file's name.
        bounds: where it may lie, and what is to stay free there.
        doubting: write again what a failed sync leaves in doubt.
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
        doubting: bool = False,
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
        # The offset of its first buffer, and the bytes before it.
        self._file_begin = 0
        self._header_bytes = 0
        self._unsynced = Unsynced() if doubting else None
        self._in_doubt = False

    @property
    def pending(self) -> bool:
        """Whether something appended is not written yet."""
        return bool(self._pending)

    @property
    def pending_bytes(self) -> int:
        """Bytes of the buffers that are kept because the kernel has not taken them whole."""
        return self.appended - self.written

    def append(self, buffer: bytes, *, only_here: bool = False) -> int:
        """Write ``buffer`` behind all that was appended before, now or as soon as it is possible.

        Args:
            buffer: whole records, at least one; kept until it is written.
            only_here: drop it if the file that is being written was taken away, and nothing else
                makes a new one.

        Returns:
            The offset behind it: it is written when ``written`` reaches this.

        Guarantees:
            Raises nothing for anything that the file system does: see ``trouble``.
        """
        if not buffer:
            raise ValueError("there is nothing to append")
        if only_here and not self._pending and not self._is_open_here():
            return self.appended
        self.appended += len(buffer)
        self._pending.append(buffer)
        # While an earlier buffer waits, a timer decides when to try again.
        if len(self._pending) == 1:
            self._rest = memoryview(buffer)
            self.retry(look=not only_here)
        return self.appended

    def retry(self, *, look: bool = True) -> bool:
        """Write what is pending, as far as it goes; return whether all of it is written.

        Args:
            look: turn away first from a file that was taken away.
        """
        if not self._pending:
            return True
        try:
            self._write_all(look)
        except OSError as error:
            if error.errno in _OUT_OF_DESCRIPTORS and self._descriptors.shrink():
                return self.retry(look=look)
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

    def distrust(self) -> None:
        """A sync has failed: what it was to cover is pending again if this file is doubting."""
        if self._unsynced is not None and (doubtful := self._unsynced.take(self.synced)):
            self.written = self._unsynced.begin
            self._pending.extendleft(reversed(doubtful))
            self._in_doubt = True
            self.trouble = f"a sync failed: {self.path}"

    def trust(self) -> None:
        """A sync went through: nothing that it covered is in doubt."""
        if self._unsynced is not None:
            self._unsynced.forget(self.synced)

    def close(self) -> None:
        """Give the descriptor back; what is pending stays so, and a later write opens again."""
        self._descriptors.close(self)

    def _is_open_here(self) -> bool:
        """Whether the file that is being written is where it was, and its descriptor open."""
        try:
            self._forget_lost_file()
            return self.path is not None and (
                self._descriptors.use(self) is not None or self._open_again() is not None
            )
        except OSError:
            return False

    def _write_all(self, look: bool) -> None:
        if self._in_doubt:
            self._cut()
            self._in_doubt = False
        if look:
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
            buffer = self._pending.popleft()
            self.written += len(buffer)
            if self._unsynced is not None:
                self._unsynced.add(buffer)
            if self._pending:
                self._rest = memoryview(self._pending[0])

    def _create(self) -> int:
        """Make the file, and set its header before what is pending."""
        path, descriptor, self._unsynced_directories = create(
            self.directory, self._clock(), self._host, self._suffix, self._bounds
        )
        self._descriptors.keep(self, descriptor)
        self._identity = _identity(os.fstat(descriptor))
        self._file_bytes = 0
        self.path = path
        head = frame([header.encode(self._clock())])
        self._file_begin, self._header_bytes = self.written, len(head)
        self._rest = memoryview(head + self._pending[0])
        return descriptor

    def _cut(self) -> None:
        """Cut the file back to what is on stable storage, and turn away from it."""
        self._forget_lost_file()
        if self.path is None:
            return
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            if _identity(os.fstat(descriptor)) == self._identity:
                if self.written == self._file_begin:
                    os.unlink(self.path)
                else:
                    os.ftruncate(descriptor, self._header_bytes + self.written - self._file_begin)
                    os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        self._forget_file()

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
        if self._unsynced is not None:
            # What was in it is the business of whoever took it away.
            self._unsynced.restart(self.written)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
