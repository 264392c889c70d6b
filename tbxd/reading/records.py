"""The records of one event file, verified.

Reads in blocks and never maps the file: a mapped file that somebody truncates kills the reader.
What a file holds is its size when reading began; it may grow meanwhile.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from types import TracebackType

from tbxd.format.crc import masked
from tbxd.format.tfrecord import FOOTER, FOOTER_BYTES, HEADER, HEADER_BYTES, OVERHEAD_BYTES, header
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

    def at(self, offset: int) -> tuple[bytes, int] | None:
        """Return the data of the record at ``offset`` and the offset behind it.

        Returns:
            None if the file ends before the record does (or right at ``offset``).

        Raises:
            DamagedFile: a checksum is wrong.
        """
        size = self.size
        if offset + HEADER_BYTES > size:
            return None
        block_start, block = self._block(offset, HEADER_BYTES, size)
        place = offset - block_start
        length, _ = HEADER.unpack_from(block, place)
        if block[place : place + HEADER_BYTES] != header(length):
            raise DamagedFile(self.path, offset, "a length's checksum")
        end = offset + OVERHEAD_BYTES + length
        if end > size:
            return None
        if end > block_start + len(block):
            block_start, block = self._block(offset, end - offset, size)
            place = offset - block_start
        data_end = place + HEADER_BYTES + length
        data = block[place + HEADER_BYTES : data_end]
        if FOOTER.unpack_from(block, data_end)[0] != masked(data):
            raise DamagedFile(self.path, offset, "a record's checksum")
        return data, end

    def walk(self, start: int = 0, limit: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Yield ``(end, data)`` of each whole record from ``start`` on.

        ``end`` is the offset behind the record; the walk ends at a torn record without a word.

        Args:
            start: offset of a record.
            limit: offset behind which no record ends; default: the file's size.

        Raises:
            DamagedFile: a checksum is wrong; what was yielded before stays good.
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
                    wanted = OVERHEAD_BYTES + length
                    break
                data = block[data_start:data_end]
                if unpack_footer(block, data_end)[0] != masked(data):
                    raise DamagedFile(self.path, block_start + offset, "a record's checksum")
                offset = end
                yield block_start + end, data
            start = block_start + offset

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
