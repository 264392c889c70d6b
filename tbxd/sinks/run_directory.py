"""One run directory: the events of many sessions into one event file, with commit marks.

Work comes in rounds. During a round the events of each session's batches are gathered
(:meth:`RunDirectory.add`); at its end one mark and all events go out as one append
(:meth:`RunDirectory.write`). The file is opened by the first round that has something to say, so
a run nobody logs to leaves no trace. A round ends early where no file could take more at once
(tbxd.sinks.file_limit).

How exactly-once is kept is argued in tbxd.format.progress; this module follows it:

- the caller asks ``progress`` before it adds an event of a session that was resumed;
- each session gets one section per round, which begins where knowledge of older files ends;
- a batch whose events were all written before leaves a section of no events where one is due;
- notes of the daemon's own have a section too, behind all others, of a session that is none.

It never decides when to write, to retry or to sync, and it never raises what a disk does to a
write: one that fails is ``trouble`` until a retry goes through. What it has to ask its file system
it asks through the lanes of its disk, so that no method takes long.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from concurrent.futures import Future

from tbxd.format import marks
from tbxd.format.marks import Section
from tbxd.format.progress import Progress
from tbxd.format.tfrecord import OVERHEAD_BYTES, frame
from tbxd.reading.events import event_files
from tbxd.reading.resume import resume
from tbxd_wire.errors import RecordError
from tbxd_wire.limits import SESSION_BYTES
from tbxd_wire.paths import has_room

from .bounds import UNBOUNDED, Bounds
from .disk import Disk
from .event_file import EventFile
from .file_limit import round_bytes
from .lane import Blocked
from .note_steps import NoteSteps
from .steps import Steps
from .ticket import Ticket

NOBODY = bytes(SESSION_BYTES)
"""The session that a mark names for the daemon's own notes; no session may have this name."""


def _framed_bytes(events: list[bytes]) -> int:
    return sum(map(len, events)) + OVERHEAD_BYTES * len(events)


def check_path(path: str) -> None:
    """Return if a run directory may have this path.

    Raises:
        RecordError: it is so long that no event file in it could be opened.
    """
    if not has_room(os.fsencode(path)):
        raise RecordError(f"the path of the run directory is too long: {path[:80]}...")


class _Gathered:
    """What this round has of one session."""

    __slots__ = ("begin", "end", "events")

    def __init__(self, begin: int, end: int, events: list[bytes]) -> None:
        self.begin = begin
        self.end = end
        self.events = events


class RunDirectory:
    """A directory and its event file.

    Args:
        path: absolute.
        disk: the file system on which it lies.
        host: for the file's name.
        suffix: end of the file's name.
        bounds: where it may lie, and what is to stay free there.
        doubting: write again what a failed sync leaves in doubt.
        clock: returns the wall time in seconds since 1970, for the file's name and header.

    Raises:
        RecordError: the path is so long that no event file in it could be opened, or ``suffix``
            cannot end a file's name.
    """

    def __init__(
        self,
        path: str,
        disk: Disk,
        *,
        host: str,
        suffix: str = "",
        bounds: Bounds = UNBOUNDED,
        doubting: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        check_path(path)
        self.path = path
        self.disk = disk
        """Where it lies."""
        self._bounds = bounds
        self.file = EventFile(
            path,
            disk.descriptors,
            host=host,
            suffix=suffix,
            bounds=bounds,
            doubting=doubting,
            clock=clock,
        )
        self.steps = Steps()
        self.note_steps = NoteSteps(disk, self.file)
        self.progress: dict[bytes, Progress] = {}
        """What older files hold, of the sessions whose replay has not passed it yet.

        For such a session, an event may be added only if ``progress[session].written(start)`` is
        False for the start of its frame; the question is asked once for each event, in order.
        """
        self._clock = clock
        self._notes: list[bytes] = []
        self._gathered: dict[bytes, _Gathered] = {}
        self._gathered_bytes = 0
        self._restated: dict[bytes, Section] = {}
        self._found: dict[bytes, Future[dict[bytes, Progress]]] = {}
        self._asked: Future[str | None] | None = None
        self._last: Ticket | None = None

    @property
    def trouble(self) -> str | None:
        """Why what is pending is not written, or None when nothing is."""
        return self.file.trouble or self.disk.trouble

    def obstacle(self) -> str | None:
        """Return why there cannot be such a directory, or None.

        A file stands where it, or one above it, must be; or it is out of bounds. Unlike a disk
        that is full or away, that does not pass.

        Raises:
            OSError: the file system does not answer, or not yet: a later call has the answer.
        """
        if self._asked is None:
            self._asked = self.disk.writing.begin(self._look_for_obstacle)
        try:
            obstacle = self.disk.writing.wait(self._asked)
        except Blocked:
            raise
        except OSError:
            self._asked = None
            raise
        self._asked = None
        return obstacle

    def _look_for_obstacle(self) -> str | None:
        if (objection := self._bounds.objection(self.path)) is not None:
            return objection
        path = self.path
        while path != "/":
            try:
                return None if stat.S_ISDIR(os.stat(path).st_mode) else f"{path} is a file"
            except (FileNotFoundError, NotADirectoryError):
                path = os.path.dirname(path)
            except OSError:
                return None
        return None

    def resume(self, session: bytes) -> None:
        """Find out what this directory holds of ``session``, which may have written here before.

        Has to be called before the first event of a session that another daemon, or this one
        before it forgot it, may have known. A session that the files do not name is new to it.

        Raises:
            OSError: the directory or one of its event files cannot be read, or not yet. Nothing has
                changed; the session must not be taken on until a later call succeeds.
        """
        found = self._found.pop(session, None)
        if found is None:
            found = self.disk.reading.begin(resume, self.path, {session})
        try:
            progress = self.disk.reading.wait(found)
        except Blocked:
            # It reads on, perhaps through a long file: the next call has the answer.
            self._found[session] = found
            raise
        self.progress.update(progress)

    def is_silent(self, session: bytes) -> bool:
        """Whether what ``resume`` or ``obstacle`` have asked for a session is not answered yet."""
        asked = self._found.get(session) or self._asked
        return asked is not None and not asked.done()

    def add(self, session: bytes, begin: int, end: int, events: list[bytes]) -> None:
        """Gather the events that one batch of a session has for this directory.

        Has to be called for each batch that has an event for this directory, also if ``progress``
        says that all of them are written: then with an empty list.

        Args:
            session: its name.
            begin: position of the batch's first frame, not before the end of the last one.
            end: position behind its last frame.
            events: serialized, in stream order, without those that are written already; now
                this object's.
        """
        progress = self.progress.get(session)
        if progress is not None:
            if not events:
                # Of several in one round, the last says it all.
                section = progress.restated(session)
                if section is not None:
                    self._restated[session] = section
                return
            # The replay has met its first new event, and all further ones are new.
            del self.progress[session]
            self._restated.pop(session, None)
            begin = max(begin, progress.position)
        elif not events:
            return
        event_bytes = _framed_bytes(events)
        if self._gathered and self._gathered_bytes + event_bytes > round_bytes():
            # Whoever has the ticket of the round that goes on knows of this one by it.
            self.write(self._clock())
        self._gathered_bytes += event_bytes
        gathered = self._gathered.get(session)
        if gathered is None:
            self._gathered[session] = _Gathered(begin, end, events)
        else:
            gathered.end = end
            gathered.events += events

    def has_event_files(self) -> bool:
        """Return whether an event file is known to be here, whoever wrote it; links are none."""
        try:
            return bool(self.disk.writing.ask(event_files, self.path, follow=False))
        except OSError:
            return False

    def note(self, event: bytes, *, waits: bool) -> None:
        """Gather an event of the daemon's own. Notes alone never make the first event file.

        Args:
            event: serialized.
            waits: whether it waits until there is a file, or is dropped if there is none and
                nothing else waits for one.
        """
        on_its_way = self._last is not None and not self._last.is_delivered
        expected = self._gathered or self._notes or on_its_way or self.file.pending
        if waits or expected or self.has_event_files():
            self._notes.append(event)

    def write(self, now: float) -> Ticket | None:
        """End the round: have the disk append one mark and all events gathered since the last.

        Args:
            now: wall time of the mark, seconds since 1970, finite.

        Returns:
            The round's ticket; None if there was nothing to write.
        """
        brought = self._gathered or self._restated
        if not brought and not (self._notes and self.has_event_files()):
            return None
        sections = list(self._restated.values())
        events: list[bytes] = []
        for session, gathered in self._gathered.items():
            sections.append(Section(session, gathered.begin, gathered.end, len(gathered.events)))
            events += gathered.events
        event_bytes = self._gathered_bytes
        if self._notes:
            sections.append(Section(NOBODY, 0, 0, len(self._notes)))
            events += self._notes
            event_bytes += _framed_bytes(self._notes)
            self._notes = []
        mark = marks.encode(sections, event_bytes, now)
        self._gathered = {}
        self._gathered_bytes = 0
        self._restated = {}
        # A user may clear up at this very moment: notes alone then bring nothing back.
        only_here = not brought and self.file.path is not None
        self._last = Ticket(self.file, frame([mark, *events]), only_here=only_here)
        self.disk.write(self._last)
        return self._last

    def forget(self, session: bytes) -> None:
        """Drop what is kept of a session that has ended and is committed."""
        self.progress.pop(session, None)
        self._found.pop(session, None)

    def close(self) -> None:
        """Have the file's descriptor given back; a later write opens it again."""
        self.disk.writing.begin(self.file.close)
