"""The records of one event file, verified.

Reads in blocks and never maps the file: a mapped file that somebody truncates kills the reader.
What a file holds is its size when reading began; it may grow meanwhile.

A file may be sparse, and its size is then what anybody likes: a length within it is no reason to
ask for so much memory. No record is taken for whole that is longer than any event can be.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from types import TracebackType

from tbxd.format.crc import extended, mask, masked
from tbxd.format.tfrecord import (
    DATA_BYTES,
    FOOTER,
    FOOTER_BYTES,
    HEADER,
    HEADER_BYTES,
    OVERHEAD_BYTES,
    header,
)
from tbxd_wire.errors import WireError

_BLOCK_BYTES = 1 << 16
"""One read: about a thousand scalars, so that system calls do not show; and little enough that
going from mark to mark through a large file reads a small part of it."""


class DamagedFile(WireError):
    """An event file that cannot be read beyond ``offset``; a torn end is no damage."""

    def __init__(self, path: str, offset: int, reason: str) -> None:
        super().__init__(f"{path}: damaged at byte {offset}: {reason}")
        self.path = path
        self.offset = offset
        self.reason = reason


class RecordFile:
    """An event file opened for reading; a context manager.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """

    def __init__(self, path: str) -> None:
        # Without O_NONBLOCK, a pipe of that name would hold the caller until somebody writes.
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            found = os.fstat(self._descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(f"{path} is not a regular file")
        except OSError:
            os.close(self._descriptor)
            raise
        self.path = path
        self.size = found.st_size
        """Bytes of the file when it was opened; nothing behind them is read."""
        self._kept = (0, b"")

    def __enter__(self) -> RecordFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    def sync(self) -> None:
        """Have the whole file on stable storage before returning."""
        os.fdatasync(self._descriptor)

    def at(self, offset: int, most: int = DATA_BYTES) -> tuple[bytes, int] | None:
        """Return the data of the record at ``offset`` and the offset behind it.

        Args:
            offset: of a record.
            most: bytes of data that it may have.

        Returns:
            None if the file ends before the record does (or right at ``offset``).

        Raises:
            DamagedFile: a checksum is wrong, or the data are too long.
        """
        end = self._end(offset, most, self.size)
        if end is None:
            return None
        block_start, block = self._block(offset, end - offset, self.size)
        place = offset - block_start
        data_end = place + end - offset - FOOTER_BYTES
        data = block[place + HEADER_BYTES : data_end]
        if FOOTER.unpack_from(block, data_end)[0] != masked(data):
            raise DamagedFile(self.path, offset, "a record's checksum")
        return data, end

    def count(self, start: int, limit: int) -> int:
        """Return how many records are whole from ``start`` on, and end at ``limit`` or before.

        Holds no more than a block of them at once. What follows a wrong checksum does not count.
        """
        limit = min(limit, self.size)
        count = 0
        try:
            while (end := self._end(start, DATA_BYTES, limit)) is not None:
                self._verify(start + HEADER_BYTES, end)
                start = end
                count += 1
        except DamagedFile:
            pass
        return count

    def walk(self, start: int = 0, limit: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Yield ``(end, data)`` of each whole record from ``start`` on.

        ``end`` is the offset behind the record; the walk ends at a torn record without a word.

        Args:
            start: offset of a record.
            limit: offset behind which no record ends; default: the file's size.

        Raises:
            DamagedFile: a checksum is wrong, or a record is longer than any event; what was
                yielded before stays good.
        """
        size = self.size if limit is None else min(limit, self.size)
        unpack_header, unpack_footer = HEADER.unpack_from, FOOTER.unpack_from
        wanted = HEADER_BYTES
        while start + wanted <= size:
            block_start, block = self._block(start, wanted, size)
            wanted = HEADER_BYTES
            block_bytes = len(block)
            offset = start - block_start
            while offset + HEADER_BYTES <= block_bytes:
                length, _ = unpack_header(block, offset)
                data_start = offset + HEADER_BYTES
                # The header that belongs to this length holds its checksum.
                if block[offset:data_start] != header(length):
                    raise DamagedFile(self.path, block_start + offset, "a length's checksum")
                data_end = data_start + length
                end = data_end + FOOTER_BYTES
                if end > block_bytes:
                    if block_start + end <= size:
                        self._refuse_beyond(length, DATA_BYTES, block_start + offset)
                    wanted = OVERHEAD_BYTES + length
                    break
                data = block[data_start:data_end]
                if unpack_footer(block, data_end)[0] != masked(data):
                    raise DamagedFile(self.path, block_start + offset, "a record's checksum")
                offset = end
                yield block_start + end, data
            start = block_start + offset

    def _end(self, offset: int, most: int, size: int) -> int | None:
        """Return the offset behind the record at ``offset``, or None if ``size`` is before it.

        Raises:
            DamagedFile: the checksum of its length is wrong, or the length is above ``most``.
        """
        if offset + HEADER_BYTES > size:
            return None
        block_start, block = self._block(offset, HEADER_BYTES, size)
        place = offset - block_start
        length, _ = HEADER.unpack_from(block, place)
        if block[place : place + HEADER_BYTES] != header(length):
            raise DamagedFile(self.path, offset, "a length's checksum")
        end: int = offset + OVERHEAD_BYTES + length
        if end > size:
            return None
        self._refuse_beyond(length, most, offset)
        return end

    def _verify(self, data_start: int, end: int) -> None:
        """Return if the checksum of the data from ``data_start`` on fits; it ends at ``end``."""
        checksum, at, data_end = 0, data_start, end - FOOTER_BYTES
        while at < data_end:
            wanted = min(data_end - at, _BLOCK_BYTES)
            block_start, block = self._block(at, wanted, self.size)
            checksum = extended(checksum, block[at - block_start : at - block_start + wanted])
            at += wanted
        block_start, block = self._block(data_end, FOOTER_BYTES, self.size)
        if FOOTER.unpack_from(block, data_end - block_start)[0] != mask(checksum):
            raise DamagedFile(self.path, data_start - HEADER_BYTES, "a record's checksum")

    def _refuse_beyond(self, length: int, most: int, offset: int) -> None:
        if length > most:
            raise DamagedFile(self.path, offset, f"a record of {length:,} bytes")

    def _block(self, start: int, wanted: int, size: int) -> tuple[int, bytes]:
        """Return a block that holds ``wanted`` bytes from ``start`` on, and where it begins.

        No block reaches beyond ``size``. The last one is kept: who goes through a file in small
        steps finds the next place in it.
        """
        kept_start, kept = self._kept
        if kept_start <= start and start + wanted <= min(kept_start + len(kept), size):
            return kept_start, kept[: size - kept_start]
        block = os.pread(self._descriptor, min(max(wanted, _BLOCK_BYTES), size - start), start)
        if len(block) < wanted:
            raise DamagedFile(self.path, start, "the file became shorter while it was read")
        self._kept = (start, block)
        return start, block
