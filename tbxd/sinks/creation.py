"""A new event file, under a name that sorts behind all that are there."""

from __future__ import annotations

import errno
import itertools
import os

from tbxd.format.names import event_file_name

from . import directories
from .bounds import Bounds
from .own_file import OwnFile

_numbers = itertools.count()
"""Numbers the files of this process, as part of their names."""

_NAME_TRIES = 100
"""Each failed try means that somebody took the name between the listing and the opening."""

_NEW = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def create(
    directory: str, now: float, host: str, suffix: str, bounds: Bounds
) -> tuple[OwnFile, int]:
    """Make an event file that nobody else has, and its directory.

    Args:
        directory: absolute; made with its parents.
        now: wall time in seconds since 1970, for the name.
        host, suffix: for the name.
        bounds: where it may lie.

    Returns:
        The file, and a descriptor to append to it.

    Raises:
        OSError: no such file can be made; every name that was tried was taken meanwhile; or who
            follows the path would not find it: a link on the way has changed.
    """
    place = bounds.resolve(directory)
    with directories.made(place) as (within, parents):
        for _ in range(_NAME_TRIES):
            name = event_file_name(
                os.listdir(within), now, host, os.getpid(), next(_numbers), suffix
            )
            try:
                descriptor = os.open(name, _NEW, 0o666, dir_fd=within)
            except FileExistsError:
                continue
            file = OwnFile(os.path.join(directory, name), descriptor, place, [*parents, place])
            try:
                if not file.is_there():
                    raise FileNotFoundError(errno.ENOENT, f"it leads elsewhere than to {place}")
            except OSError:
                os.close(descriptor)
                os.unlink(name, dir_fd=within)
                raise
            return file, descriptor
    raise FileExistsError(f"{_NAME_TRIES} names for an event file are taken")
