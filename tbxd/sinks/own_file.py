"""A file that this process has made, told from all others by what it is and not by its name.

Its name may come to lead to anything: to another file, a pipe, a device, a place behind a link.
So nothing is opened by name: a name is looked at, and what is found is opened only if it is the
very file that was made.
"""

from __future__ import annotations

import contextlib
import os
import stat

from . import directories


class OwnFile:
    """One file, which is appended to, opened again and cut back.

    Args:
        path: where it was made, as others call it.
        descriptor: of the new, empty file; stays the caller's.
        place: its directory's path, resolved.
        unsynced: directories that have got a new name, its own or one on the way to it.

    Attributes:
        path: see there.
        size: bytes that were appended to it; whoever appends counts them.
    """

    __slots__ = ("_identity", "_place", "_unsynced", "path", "size")

    def __init__(self, path: str, descriptor: int, place: str, unsynced: list[str]) -> None:
        self.path = path
        self.size = 0
        self._identity = _identity(os.fstat(descriptor))
        self._place = place
        self._unsynced = unsynced

    def is_there(self) -> bool:
        """Return whether its name still leads to it.

        Raises:
            OSError: it cannot be found out.
        """
        try:
            return _identity(os.stat(self.path)) == self._identity
        except (FileNotFoundError, NotADirectoryError):
            return False

    def open(self, flags: int) -> int | None:
        """Return a new descriptor of it, or None if it is not there any more.

        Raises:
            OSError: it cannot be opened.
        """
        try:
            # Opens nothing: a pipe would hold the caller, and a device may do whatever it does.
            found = os.open(self.path, os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            if _identity(os.fstat(found)) != self._identity:
                return None
            return os.open(f"/proc/self/fd/{found}", flags | os.O_CLOEXEC)
        finally:
            os.close(found)

    def open_again(self) -> int | None:
        """Return a new descriptor to append to it, or None if it is not as it was left.

        Raises:
            OSError: it cannot be opened.
        """
        descriptor = self.open(os.O_WRONLY | os.O_APPEND)
        if descriptor is not None and os.fstat(descriptor).st_size != self.size:
            os.close(descriptor)
            return None
        return descriptor

    def cut(self, size: int) -> None:
        """Have its first bytes alone on stable storage, with its name; of 0 bytes it is deleted.

        It stays, and is empty, if one of the directories on the way to it has become a link.
        Whoever writes elsewhere what is cut off must not find it here after a power cut.

        Raises:
            OSError: what is on stable storage is not known. It may be cut again.
        """
        descriptor = self.open(os.O_WRONLY)
        if descriptor is None:
            return
        try:
            if size or not self._delete():
                os.ftruncate(descriptor, size)
                os.fdatasync(descriptor)
            for each in {*self._unsynced, self._place}:
                directories.sync(each, descriptor)
        finally:
            os.close(descriptor)

    def _delete(self) -> bool:
        """Delete it unless somebody has; return False if there is no way to it without a link."""
        name = os.path.basename(self.path)
        try:
            with directories.opened(self._place) as within, contextlib.suppress(FileNotFoundError):
                if _identity(os.stat(name, dir_fd=within, follow_symlinks=False)) == self._identity:
                    os.unlink(name, dir_fd=within)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def sync(self, descriptor: int | None) -> None:
        """Have it on stable storage, with its name and those of the directories made for it.

        Args:
            descriptor: any of it, to be closed here; None: it is opened, if it is there.

        Raises:
            OSError: the storage failed, or it or a directory cannot be opened.
        """
        if descriptor is None:
            descriptor = self.open(os.O_RDONLY)
        if descriptor is None:
            return
        try:
            os.fdatasync(descriptor)
            while self._unsynced:
                directories.sync(self._unsynced[-1], descriptor)
                self._unsynced.pop()
        finally:
            os.close(descriptor)


def _identity(found: os.stat_result) -> tuple[int, int, int]:
    # A pipe may have got the number of a file that was deleted.
    return found.st_dev, found.st_ino, stat.S_IFMT(found.st_mode)
