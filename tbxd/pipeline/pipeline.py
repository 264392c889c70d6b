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

import time
from collections.abc import Callable, Iterable

from tbxd.config import Config, Fsync
from tbxd.intake.entry import Entry
from tbxd.intake.session import State
from tbxd.sinks.descriptors import DESCRIPTORS
from tbxd.sinks.disks import Disks
from tbxd.sinks.lane import Blocked
from tbxd.sinks.patience import PATIENCE_S
from tbxd.sinks.run_directory import RunDirectory
from tbxd.sinks.ticket import Ticket
from tbxd_wire.errors import FrameError
from tbxd_wire.messages import Hello

from .notes import Notes
from .parts import parts
from .pool import Pool
from .run_directories import RunDirectories
from .stream import Round, Stream
from .take import take


class Pipeline:
    """Takes frames over, writes them, and moves the sessions' committed positions on.

    Args:
        config: when to sync.
        wake: called from a helper thread when :meth:`commit` has something to find.
        open_files: most event files that are open at once; more than 256 never are.
        patience_s: how long a method waits for an answer of a file system.
    """

    def __init__(
        self,
        config: Config,
        wake: Callable[[], None],
        open_files: int = DESCRIPTORS,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._fsync_first = config.fsync is Fsync.COMMIT
        self._disks = Disks(config, wake, min(open_files, DESCRIPTORS), patience_s)
        self._directories = RunDirectories(config, self._disks, wake)
        self._pool = Pool(wake)
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
            RecordError: it must not, or no such directory can be.
        """
        return self._directories.of_author(hello)

    def feed(self, entry: Entry, position: int, frames: memoryview) -> str | None:
        """Take over frames that begin where the session stands, or behind a gap it has skipped.

        Returns:
            None; or why the session cannot go on, when a frame is bad. What came before is taken
            over.

        Raises:
            OSError: a directory cannot be looked into now; Blocked: as a file system has not
                answered yet. The session stands behind what was taken over; the rest may be offered
                again.
        """
        stream = self._streams.get(entry.session.name)
        if stream is None:
            stream = self._streams[entry.session.name] = Stream(
                entry, self._directories.open, self._directories.place
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
        """Whether ``feed`` has raised Blocked, and the file system still has not answered.

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
        asking = {each.awaited.disk for each in self._streams.values() if each.awaited}
        self._directories.let_go(in_use, self._notes.touched, asking)

    def close(self) -> None:
        """Give all descriptors and threads back; what is pending is not written."""
        self._pool.close()
        self._directories.close()
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
            return self._directories.open(entry, "")
        except OSError:
            return None
