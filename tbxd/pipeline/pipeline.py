"""Frames of many sessions in, committed positions out.

Work comes in rounds. ``feed`` takes a batch over and gathers its events by run directory; what is
slow to encode goes through a pool and is gathered when it is done, in its place in the stream.
``commit`` ends the round with one write per directory that got any. A session's position is
committed when all directories it fed up to there have written, in the order in which it fed them:
a file that is stuck holds back only the sessions that feed it.

Guarantees:
    A record that cannot be written is refused, counted with its reason, and the stream goes on.
    Nothing a disk does raises out of ``commit``; a write that failed is tried again, to the byte.
    No file system is waited for for long: one that does not answer delays nobody who writes
    elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from tbxd.config import Config, Fsync
from tbxd.format.projection import Projection
from tbxd.intake.entry import Entry
from tbxd.intake.session import State
from tbxd.sinks import projector
from tbxd.sinks.bounds import Bounds
from tbxd.sinks.descriptors import DESCRIPTORS
from tbxd.sinks.disks import Disks
from tbxd.sinks.lane import PATIENCE_S, Blocked
from tbxd.sinks.run_directory import NOBODY, RunDirectory, check_path
from tbxd.sinks.ticket import Ticket
from tbxd_wire.errors import FrameError, RecordError
from tbxd_wire.messages import Hello
from tbxd_wire.paths import safe_relative, safe_suffix

from .notes import Notes
from .parts import parts
from .pool import Pool
from .stream import Round, Stream
from .take import take

IDLE_DIRECTORIES = 1024
"""Run directories kept although no session uses them: the next one goes on in the same file."""


class Pipeline:
    """Takes frames over, writes them, and moves the sessions' committed positions on.

    Args:
        config: when to sync.
        wake: called from a helper thread when :meth:`commit` has something to find.
        open_files: most event files that are open at once; more than 256 never are.
        patience_s: how long a method waits for a file system.
    """

    def __init__(
        self,
        config: Config,
        wake: Callable[[], None],
        open_files: int = DESCRIPTORS,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._wake = wake
        self._fsync_first = config.fsync is Fsync.COMMIT
        self._disks = Disks(config, wake, min(open_files, DESCRIPTORS), patience_s)
        self._bounds = Bounds(config.keep_free_bytes, config.roots)
        self._pool = Pool(wake)
        self._host = socket.gethostname()
        self._directories: OrderedDict[tuple[str, str], RunDirectory] = OrderedDict()
        self.is_at_rest = True
        """Whether nothing is on its way to a disk, once it is closed."""
        self._streams: dict[bytes, Stream] = {}
        self._fed: set[Stream] = set()
        self._owing: set[Stream] = set()
        self._uncommitted: set[Stream] = set()
        self._troubled = False
        self._notes = Notes(config.notes)

    @property
    def drained(self) -> bool:
        """Whether everything taken over is committed, and synced if it ever is to be."""
        waiting = self._fed or self._owing or self._uncommitted or self._notes.touched
        return not waiting and self._disks.settled

    @property
    def deadline(self) -> float | None:
        """When :meth:`commit` is to be called at the latest, on the monotonic clock."""
        if self._notes.touched:
            return 0.0
        due = [self._disks.deadline, *(stream.deadline for stream in self._owing)]
        return min((each for each in due if each is not None), default=None)

    def author_directory(self, hello: Hello) -> str:
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

    def feed(self, entry: Entry, position: int, frames: memoryview) -> str | None:
        """Take over frames that begin where the session stands, or behind a gap it has skipped.

        Returns:
            None; or why the session cannot go on, when a frame is bad. What came before is taken
            over.

        Raises:
            OSError: a directory cannot be looked into now. The session stands behind what was
                taken over; the rest may be offered again.
        """
        stream = self._streams.get(entry.session.name)
        if stream is None:
            stream = self._streams[entry.session.name] = Stream(
                entry, self._open_directory, self._place
            )
        self._fed.add(stream)
        is_new = not stream.directories
        try:
            for part in parts(frames):
                take(stream, self._pool, position, part)
                position += len(part)
        except FrameError as error:
            return str(error)
        except Blocked:
            # That is no trouble yet; if it becomes one, the end of a round finds it.
            raise
        except OSError as error:
            entry.trouble = f"{error.strerror or error}: {error.filename or entry.path}"
            raise
        finally:
            if stream.unsettled:
                self._owing.add(stream)
        if self._notes.enabled and is_new and not stream.inherits:
            own = stream.directories[""]
            alone = not any(
                other is not stream
                and other.directories.get("") is own
                and other.entry.session.state is State.LIVE
                for other in self._streams.values()
            )
            self._notes.began(entry, own, alone=alone)
        # What held it up may be over; the end of the round looks.
        self._troubled |= entry.trouble is not None
        return None

    def holds_up(self, entry: Entry) -> bool:
        """Whether ``feed`` has raised because a file system did not answer, and it still does not.

        The loop is woken when it does.
        """
        stream = self._streams.get(entry.session.name)
        awaited = None if stream is None else stream.awaited
        return awaited is not None and awaited.is_silent(entry.session.name)

    def commit(self, now: float, *, at_once: bool = False) -> None:
        """End the round: write, and see what is committed by now.

        Args:
            now: the monotonic clock.
            at_once: sync what would be synced later.
        """
        if self._owing:
            self._settle(now)
        if self._fed or self._notes.touched:
            self._write()
        self._disks.work(now, at_once=at_once)
        for stream in list(self._uncommitted):
            stream.commit(self._fsync_first)
            if not stream.rounds:
                self._uncommitted.discard(stream)
        if self._disks.stuck or self._troubled:
            self._note_troubles()

    def note_end(self, entry: Entry) -> None:
        """Have the run of a session that has said goodbye, or died, say so at the next commit."""
        # Who never logged anything leaves no trace.
        if self._notes.enabled and entry.session.accepted and not entry.end_noted:
            own = self._own_directory(entry)
            if own is not None:
                self._notes.ended(entry, own)

    def tidy(self, entries: Iterable[Entry]) -> None:
        """Note what has become of the sessions in ``entries``, and let go of those that ended."""
        for entry in entries:
            is_new = self._notes.enabled and entry.lost != entry.lost_noted
            # While its journal is being read, nobody knows yet at which step it lost them.
            if is_new and not entry.recovering:
                own = self._own_directory(entry)
                if own is not None:
                    self._notes.lost(entry, own)
            if entry.working:
                continue
            self.note_end(entry)
            stream = self._streams.pop(entry.session.name, None)
            if stream is not None:
                for directory in stream.directories.values():
                    directory.forget(stream.name)
        in_use = {
            directory
            for stream in self._streams.values()
            for directory in stream.directories.values()
        }
        idle = [key for key, directory in self._directories.items() if directory not in in_use]
        for key in idle[: max(len(idle) - IDLE_DIRECTORIES, 0)]:
            self._directories.pop(key).close()
        used = {directory.disk for directory in in_use | self._notes.touched}
        used |= {each.awaited.disk for each in self._streams.values() if each.awaited}
        self._disks.let_go(used)

    def close(self) -> None:
        """Give all descriptors and threads back; what is pending is not written."""
        self._pool.close()
        for directory in self._directories.values():
            directory.close()
        self._directories.clear()
        self.is_at_rest = self._disks.close()

    def _settle(self, now: float) -> None:
        """Gather what the pool has done."""
        for stream in list(self._owing):
            if stream.settle(now):
                self._fed.add(stream)
            if not stream.unsettled:
                self._owing.discard(stream)
            # Whether a disk has refused a file, or has taken it at last.
            self._troubled |= stream.deadline is not None or stream.entry.trouble is not None

    def _write(self) -> None:
        """Hand what was gathered to the disks, one write for each directory."""
        wall_time = time.time()
        tickets: dict[RunDirectory, Ticket] = {}
        touched = {each for stream in self._fed for each in stream.touched}
        for directory in touched | self._notes.touched:
            ticket = directory.write(wall_time)
            if ticket is not None:
                tickets[directory] = ticket
        for stream in self._fed:
            entry = stream.entry
            held = tuple(tickets[each] for each in stream.touched if each in tickets)
            if not held and stream.settled == stream.claimed:
                # All that it brought waits for the pool.
                continue
            stream.rounds.append(Round(stream.settled, entry.last_wall_time, held))
            stream.touched.clear()
            self._uncommitted.add(stream)
        self._fed.clear()
        self._notes.touched.clear()

    def _note_troubles(self) -> None:
        """Tell each session's entry what holds it up."""
        self._troubled = False
        for stream in self._streams.values():
            waits = stream.rounds or stream.unsettled or stream.awaited
            trouble = stream.trouble() if waits else None
            stream.entry.trouble = trouble
            self._troubled |= trouble is not None

    def _own_directory(self, entry: Entry) -> RunDirectory | None:
        """Return the directory of a session's author; None if it cannot be opened now."""
        stream = self._streams.get(entry.session.name)
        if stream is not None and "" in stream.directories:
            return stream.directories[""]
        try:
            return self._open_directory(entry, "")
        except OSError:
            return None

    def _open_directory(self, entry: Entry, relative: str) -> RunDirectory:
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
                # What waits for its sync is no more than the sessions may have on their way.
                doubting=self._fsync_first,
            )
            self._directories[key] = found
        self._directories.move_to_end(key)
        return found

    def _place(self, entry: Entry, files: Projection) -> Future[None]:
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
