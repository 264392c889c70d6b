"""A new event file, under a name that sorts behind all that are there."""

from __future__ import annotations

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
        OSError: no such file can be made; or every name that was tried was taken meanwhile.
    """
    bounds.check_place(directory)
    made = directories.make(directory)
    for _ in range(_NAME_TRIES):
        name = event_file_name(
            os.listdir(directory), now, host, os.getpid(), next(_numbers), suffix
        )
        path = os.path.join(directory, name)
        try:
            descriptor = os.open(
                path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666
            )
        except FileExistsError:
            continue
        try:
            bounds.check_opened(descriptor)
        except OSError:
            os.close(descriptor)
            os.unlink(path)
            raise
        return OwnFile(path, descriptor, [*made, directory]), descriptor
    raise FileExistsError(f"{_NAME_TRIES} names for an event file are taken")
