"""Which file system a run directory lies on, and all of them together."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable

from tbxd.config import Config
from tbxd_wire.mounts import MOUNTINFO, mount_point

from .descriptors import DESCRIPTORS, Descriptors
from .disk import Disk
from .lane import PATIENCE_S

_DISKS = 64
"""File systems that have threads of their own; all beyond share one's."""

_PATHS = 4096
"""Run directories whose file system is remembered."""


class Disks:
    """The file systems that a daemon writes to.

    Args:
        config: when to sync.
        wake: called from another thread when :meth:`work` has something to find.
        open_files: most event files that are open at once, on all of them together.
        patience_s: how long :meth:`work` waits for each.
    """

    def __init__(
        self,
        config: Config,
        wake: Callable[[], None],
        open_files: int = DESCRIPTORS,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._open_files = open_files
        self._config = config
        self._wake = wake
        self._patience_s = patience_s
        self._by_mount: dict[str, Disk] = {}
        self._by_path: OrderedDict[str, Disk] = OrderedDict()

    @property
    def stuck(self) -> bool:
        """Whether the last write of any file has failed, or a file system does not answer."""
        return any(disk.stuck for disk in self._by_mount.values())

    @property
    def settled(self) -> bool:
        """Whether every file is written and, if the policy says so at all, synced."""
        return all(disk.settled for disk in self._by_mount.values())

    @property
    def deadline(self) -> float | None:
        """When :meth:`work` has something to do, on the monotonic clock; None: not by itself."""
        due = (disk.deadline for disk in self._by_mount.values())
        return min((each for each in due if each is not None), default=None)

    def of(self, path: str) -> Disk:
        """Return the file system of a run directory, which need not exist.

        Where a symbolic link leads is found out by asking the file system that holds the link; if
        that does not answer, its threads do the work.
        """
        found = self._by_path.get(path)
        if found is None:
            found = self._at(path)
            try:
                found = self._at(found.writing.ask(os.path.realpath, path))
            except OSError:
                # Not remembered: it may answer the next time.
                return found
            self._by_path[path] = found
            if len(self._by_path) > _PATHS:
                self._by_path.popitem(last=False)
        return found

    def work(self, now: float, *, at_once: bool = False) -> None:
        """Write what waits, try again what is due, sync what is due; with ``at_once`` all of it."""
        for disk in self._by_mount.values():
            disk.begin(now)
        for disk in self._by_mount.values():
            disk.finish(now, at_once=at_once)

    def close(self) -> bool:
        """End all threads; return whether nothing will be written any more."""
        ended = [disk.close() for disk in self._by_mount.values()]
        return all(ended)

    def _open(self) -> int:
        """Return how many event files are open; from any thread."""
        return sum(disk.descriptors.count for disk in list(self._by_mount.values()))

    def _at(self, path: str) -> Disk:
        """Return the file system of a path without links."""
        mount = _mount_point(path)
        if mount not in self._by_mount and len(self._by_mount) >= _DISKS:
            return next(iter(self._by_mount.values()))
        if mount not in self._by_mount:
            descriptors = Descriptors(self._open_files, self._open)
            self._by_mount[mount] = Disk(self._config, self._wake, self._patience_s, descriptors)
        return self._by_mount[mount]


def _mount_point(path: str) -> str:
    try:
        with open(MOUNTINFO, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            return mount_point(path, file.read())
    except OSError:
        # No such list here: all is one.
        return "/"
