"""The file systems that a path goes along: its own, and those that it passes on the way there.

Whoever follows a path waits for each of them, if it does not answer; and no others. So that nobody
else is asked to find out which they are, the path is followed piece by piece: a piece lies on one
file system, and what a link leads to is not touched by reading the link. What is mounted where is
known without asking any of them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from .mount_tree import MountTree

_LINKS = 40
"""As many the kernel follows (path_resolution(7)); behind them nobody gets on."""

_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ENAMETOOLONG, errno.ELOOP)
"""Nothing can be reached behind that, so nothing hangs there either."""

Way = frozenset[str]
"""Devices of file systems."""

FirstLink = Callable[[Way, list[str]], tuple[int, str] | None]
"""Asks :func:`first_link` of paths, to which one gets along these file systems alone."""


def follow(path: str, tree: MountTree, ask: FirstLink) -> Way:
    """Return the file systems that a path goes along, which need not exist.

    Args:
        path: absolute.
        tree: what is mounted where.
        ask: whose exceptions are raised here.
    """
    names = _names(path)
    places = [("/", tree.root)]
    way = {tree.root.device}
    links = 0
    while names and links < _LINKS:
        here, mount = places[-1]
        piece: list[str] = []
        below = mount
        for name in names:
            there = os.path.join(here, name)
            below = tree.at(mount, there)
            if name == ".." or below is not mount:
                break
            piece.append(there)
            here = there
        link = ask(frozenset(way), piece) if piece else None
        passed = len(piece) if link is None else link[0]
        places += [(each, mount) for each in piece[:passed]]
        names = names[passed:]
        if link is not None:
            links += 1
            if link[1].startswith("/"):
                del places[1:]
            names[:1] = _names(link[1])
        elif names and names[0] == "..":
            del names[0]
            # Above the root is the root.
            places = places[:-1] or places
        elif names:
            places.append((os.path.join(here, names.pop(0)), below))
            way.add(below.device)
    return frozenset(way)


def first_link(paths: list[str]) -> tuple[int, str] | None:
    """Return which of ``paths`` is the first symbolic link, and what it says; None if none is.

    Args:
        paths: each one name longer than the one before.

    Raises:
        OSError: that cannot be found out now.
    """
    for number, path in enumerate(paths):
        try:
            return number, os.readlink(path)
        except OSError as error:
            if error.errno in _NOT_THERE:
                return None
            if error.errno != errno.EINVAL:
                raise
    return None


def _names(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in ("", ".")]
