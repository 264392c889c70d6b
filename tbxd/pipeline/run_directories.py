"""Where sessions write: which directory a hello names, and the run directories that are open.

A run directory is kept while nobody uses it, up to a number: whoever comes back to it goes on in
the same file.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections import OrderedDict
from collections.abc import Callable, Iterable, Set
from concurrent.futures import Future

from tbxd.config import Config, Fsync
from tbxd.format.projection import Projection
from tbxd.intake.entry import Entry
from tbxd.sinks import projector
from tbxd.sinks.bounds import Bounds
from tbxd.sinks.disk import Disk
from tbxd.sinks.disks import Disks
from tbxd.sinks.run_directory import NOBODY, RunDirectory, check_path
from tbxd_wire.errors import RecordError
from tbxd_wire.messages import Hello
from tbxd_wire.paths import safe_relative, safe_suffix

IDLE_DIRECTORIES = 1024
"""Run directories kept although no session uses them."""


class RunDirectories:
    """The run directories of a daemon, on its disks.

    Args:
        config: where sessions may write, how much stays free, and when to sync.
        disks: what they lie on. Whoever has made them ends them.
        wake: called from a helper thread when files that were to be placed are there.
    """

    def __init__(self, config: Config, disks: Disks, wake: Callable[[], None]) -> None:
        self._disks = disks
        self._wake = wake
        # What waits for its sync is then no more than the sessions may have on their way.
        self._doubting = config.fsync is Fsync.COMMIT
        self._bounds = Bounds(config.keep_free_bytes, config.roots)
        self._host = socket.gethostname()
        self._directories: OrderedDict[tuple[str, str], RunDirectory] = OrderedDict()

    def of_author(self, hello: Hello) -> str:
        """Return the directory in which a session writes.

        Raises:
            RecordError: the run is no absolute path, the role or the suffix lead elsewhere, or
                nothing may be written there.
        """
        if not hello.run.startswith("/") or "\0" in hello.run:
            raise RecordError(f"the run directory must be an absolute path, not {hello.run!r:.80}")
        if hello.session == NOBODY:
            raise RecordError("a session's name is random, not sixteen zeros")
        role = safe_relative(hello.role)
        run = hello.run.rstrip("/")
        path = f"{run}/{role}" if role else run or "/"
        safe_suffix(hello.suffix)
        try:
            os.fsencode(path + hello.suffix)
        except UnicodeError:
            raise RecordError(f"this system has no name for the directory {path!r:.80}") from None
        check_path(path)
        if not self._bounds.has_roots:
            return path
        # A file system that does not answer now is asked again before anything is written.
        with contextlib.suppress(OSError):
            asked = self._disks.of(path).writing
            if (objection := asked.ask(self._bounds.objection, path)) is not None:
                raise RecordError(f"this daemon does not write there: {objection}")
        return path

    def open(self, entry: Entry, relative: str) -> RunDirectory:
        """Return the run directory at a path relative to that of a session's author.

        A different suffix is a file of its own there.

        Raises:
            OSError: where the path leads cannot be found out now, or not yet.
        """
        suffix = entry.session.hello.suffix
        path = f"{entry.path}/{relative}" if relative else entry.path
        key = (path, suffix)
        disk = self._disks.of(path)
        found = self._directories.get(key)
        if found is not None and found.disk is not disk:
            # Something is mounted there since, or a link leads elsewhere.
            found.close()
            found = None
        if found is None:
            found = RunDirectory(
                path,
                disk,
                host=self._host,
                suffix=suffix,
                bounds=self._bounds,
                doubting=self._doubting,
            )
            self._directories[key] = found
        self._directories.move_to_end(key)
        return found

    def place(self, entry: Entry, files: Projection) -> Future[None]:
        """Begin to write files beneath the directory of a session's author."""
        try:
            # Which goes along the directory itself, too.
            syncing = self._disks.of(os.path.join(entry.path, files.place)).syncing
        except OSError as error:
            placed: Future[None] = Future()
            placed.set_exception(error)
            return placed
        placed = syncing.begin(projector.write, entry.path, files, self._bounds)
        placed.add_done_callback(lambda _: self._wake())
        return placed

    def let_go(
        self, in_use: Set[RunDirectory], noted: Set[RunDirectory], asking: Iterable[Disk]
    ) -> None:
        """Close the directories that are too many, and end the disks that nobody needs.

        Args:
            in_use: those of sessions.
            noted: those that have a note to be written; they may be closed.
            asking: disks that a session waits for.
        """
        idle = [key for key, directory in self._directories.items() if directory not in in_use]
        for key in idle[: max(len(idle) - IDLE_DIRECTORIES, 0)]:
            self._directories.pop(key).close()
        self._disks.let_go({*asking, *(directory.disk for directory in in_use | noted)})

    def close(self) -> None:
        """Give all descriptors of event files back; what is pending is not written."""
        for directory in self._directories.values():
            directory.close()
        self._directories.clear()
