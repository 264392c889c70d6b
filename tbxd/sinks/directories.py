"""Directories made, opened and synced: what both event files and the files beside them stand on.

Whoever may change what lies in a directory may put a link there at any instant. So a path is
resolved once, and judged (tbxd.sinks.bounds). What comes of it has no links, and it is walked from
the top, one component after the other, each within the one before: whatever has become a link
meanwhile is no directory, and leads nowhere.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

_PASS = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""For a directory that is only passed, and that one need not be allowed to list."""


@contextlib.contextmanager
def opened(path: str) -> Iterator[int]:
    """Open a directory for as long as the context lasts.

    Args:
        path: resolved.

    Yields:
        A descriptor of it.

    Raises:
        OSError: it is not there, or cannot be opened.
    """
    descriptor = _walk(path, None)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def made(path: str) -> Iterator[tuple[int, list[str]]]:
    """Open a directory as :func:`opened` does, and make it with its parents.

    Yields:
        A descriptor of it, and the parents of those that were missing.

    Raises:
        OSError: it cannot be made, or cannot be opened.
    """
    parents: list[str] = []
    descriptor = _walk(path, parents)
    try:
        yield descriptor, parents
    finally:
        os.close(descriptor)


def sync(path: str, beside: int) -> None:
    """Have the names in a directory on stable storage; one that was deleted has none.

    A directory that may be written and not be listed cannot be opened, and without that nothing
    syncs it alone. So its whole file system is synced, which may take long where others write much:
    once for each directory that is made there, and not at all where it may be listed.

    Args:
        path: resolved, when the directory was made.
        beside: a descriptor of anything on the same file system, opened for reading or writing.

    Raises:
        OSError: the storage failed (before Linux 5.8 a whole file system does not say so), or the
            directory cannot be opened for another reason.
    """
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        try:
            with opened(path) as descriptor:
                os.fsync(descriptor)
        except PermissionError:
            _sync_all(beside)


def _sync_all(descriptor: int) -> None:
    """Sync the file system of an open file."""
    if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _walk(path: str, parents: list[str] | None) -> int:
    """Return a descriptor of a directory.

    Args:
        path: resolved.
        parents: what is missing is made, and its parent added here; None: it is not.
    """
    place = os.open("/", _PASS)
    try:
        above = "/"
        for name in filter(None, path.split("/")):
            try:
                below = os.open(name, _PASS, dir_fd=place)
            except FileNotFoundError:
                if parents is None:
                    raise
                # Somebody else may make it at the same time.
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, dir_fd=place)
                parents.append(above)
                below = os.open(name, _PASS, dir_fd=place)
            os.close(place)
            place = below
            above = os.path.join(above, name)
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=place)
    except OSError as error:
        # The name of one component tells nobody where it is.
        error.filename = path
        raise
    finally:
        os.close(place)
