"""The event file of one directory: bytes appended, whatever the disk says.

An :class:`EventFile` is a stream of buffers on its way to disk. It opens its file when there is a
first buffer to write, under a name that sorts behind all that are there, and writes the file's
header and that buffer as one. Each buffer is handed to the kernel at once. What the kernel does
not take stays pending, to the byte, and :meth:`EventFile.retry` goes on exactly there.

Offsets count the bytes of the buffers since the object was made. They know nothing of headers or
of files: if the file is deleted or moved away, the next write begins a new one with the first
buffer that was not whole, and the count goes on. So an offset that was handed out stays valid.

Twice it turns away from a file that is there: it cuts the file back to the buffers that count as
written, and writes the others into a new one. Nothing else may write them again, or a reader would
find them twice (tbxd.format.progress tells why a daemon may die at any point of it).

- After a sync that failed, nobody knows what of the last bytes the storage has, and the next sync
  may well succeed without them: the kernel forgets what it could not store. An event file that was
  told to be ``doubting`` keeps what is not synced yet, and nothing that is in doubt counts.
- A file has become as large as its file system, or the limit of the process, lets it. A new file
  that cannot take its first buffer either is kept, and that is trouble as any other: it would come
  to the same with the next one.

It never appends to, truncates or renames a file that this process did not create, and it creates
no other file. All methods belong to one thread, except :meth:`EventFile.sync`.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections import deque
from collections.abc import Callable

from tbxd.format import header
from tbxd.format.tfrecord import frame
from tbxd_wire.paths import safe_suffix

from .bounds import UNBOUNDED, Bounds
from .creation import create
from .descriptors import Descriptors
from .own_file import OwnFile
from .unsynced import Unsynced

_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)

_log = logging.getLogger(__name__)


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
        self._file: OwnFile | None = None
        # Of that file: the offset of its first buffer, and the bytes before it.
        self._file_begin = 0
        self._header_bytes = 0
        self._unsynced = Unsynced() if doubting else None
        self._leaving = False

    @property
    def path(self) -> str | None:
        """The file that is being written, or None before the first write."""
        return None if self._file is None else self._file.path

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
            Raises nothing for anything that happens on the way to the disk: see ``trouble``.
        """
        if not buffer:
            raise ValueError("there is nothing to append")
        if only_here and not self._pending and not self._is_open_here():
            return self.appended
        rest = memoryview(buffer)
        self._pending.append(buffer)
        self.appended += len(buffer)
        # While an earlier buffer waits, a timer decides when to try again.
        if len(self._pending) == 1:
            self._rest = rest
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
        except Exception as error:
            # No memory, or a mistake of ours. Who has handed a buffer over must not do so again.
            trouble = f"internal error: {error!r}: {self.path or self.directory}"
            if trouble != self.trouble:
                _log.error("%s", trouble, exc_info=error)
            self.trouble = trouble
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
        file = self._file
        if written == self.synced:
            return
        # Who deleted or moved a file has decided about what was in it, and what was turned away
        # from is synced: only the one that is being written counts.
        if file is not None:
            file.sync(self._descriptors.duplicate(self))
        self.synced = max(self.synced, written)

    def distrust(self) -> None:
        """A sync has failed: what it was to cover is pending again if this file is doubting."""
        if self._unsynced is not None and (doubtful := self._unsynced.take(self.synced)):
            self.written = self._unsynced.begin
            self._pending.extendleft(reversed(doubtful))
            self._leaving = True
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
            return self._descriptor(look=True) is not None
        except OSError:
            return False

    def _write_all(self, look: bool) -> None:
        if self._leaving:
            self._turn_away()
        if look:
            self._descriptor(look=True)
        while self._pending:
            self._write()

    def _write(self) -> None:
        """Write the rest of the first pending buffer once, or turn away from a file that is full.

        Raises:
            OSError: the kernel took nothing, or too little would stay free.
        """
        descriptor = self._descriptor(look=False)
        if self._file is None or descriptor is None:
            self._file, descriptor = self._create()
        self._bounds.check_room(descriptor, len(self._rest))
        try:
            count = os.write(descriptor, self._rest)
        except OSError as error:
            if error.errno != errno.EFBIG or not self._may_turn_away():
                raise
            # Also if the first try fails: once the file is cut, there would be room in it.
            self._leaving = True
            self._turn_away()
            return
        self._file.size += count
        self._rest = self._rest[count:]
        if not self._rest:
            buffer = self._pending.popleft()
            self.written += len(buffer)
            if self._unsynced is not None:
                self._unsynced.add(buffer)
            if self._pending:
                self._rest = memoryview(self._pending[0])

    def _create(self) -> tuple[OwnFile, int]:
        """Make the file, and set its header before what is pending."""
        now = self._clock()
        head = frame([header.encode(now)])
        # Before there is a file: it may be large, and each try would leave one behind.
        rest = memoryview(head + self._pending[0])
        file, descriptor = create(self.directory, now, self._host, self._suffix, self._bounds)
        self._descriptors.keep(self, descriptor)
        self._file_begin, self._header_bytes = self.written, len(head)
        self._rest = rest
        return file, descriptor

    def _descriptor(self, *, look: bool) -> int | None:
        """Return the descriptor of the file that is being written, or None for a new one.

        A file that was deleted, moved or replaced is forgotten: nobody reads it there. So is one
        that was closed, and is not as it was left.

        Args:
            look: also if it is open. One that was closed is looked at anyway.
        """
        if self._file is None:
            return None
        descriptor = self._descriptors.use(self)
        if descriptor is None:
            descriptor = self._file.open_again()
            if descriptor is not None:
                self._descriptors.keep(self, descriptor)
        elif look and not self._file.is_there():
            descriptor = None
        if descriptor is None:
            self._forget_file()
        return descriptor

    def _may_turn_away(self) -> bool:
        """Whether a full file may be left for a new one, which then can take what it could not."""
        holds_any = self.written > self._file_begin
        # What is turned away from is doubted no more. A sync of it may be on its way just now.
        return holds_any and (self._unsynced is None or self.synced == self.written)

    def _turn_away(self) -> None:
        """Cut the file back to what counts as written, and leave it: the rest goes into another."""
        if self._file is not None:
            kept = self.written - self._file_begin
            self._file.cut(self._header_bytes + kept if kept else 0)
            self._forget_file()
        self._leaving = False

    def _forget_file(self) -> None:
        self._descriptors.close(self)
        self._file = None
        if self._unsynced is not None:
            # What was in it is the business of whoever took it away.
            self._unsynced.restart(self.written)
