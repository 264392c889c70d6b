"""What one session has brought, in the order of its stream: portions, each settled as a whole.

A portion is either *gathered*, the events of consecutive frames, or *owed*, the events of one
record that the pool is still encoding. A stream settles its portions in order: their events go to
their run directories, without those that older files hold (tbxd.format.progress: asked once for
each event, in order, which is why it is asked here and not when a frame comes in).
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable
from concurrent.futures import Future

from tbxd.format.projection import Projection
from tbxd.sinks.run_directory import RunDirectory
from tbxd.threads import NoThread
from tbxd_wire.records import Record

from .pool import Encoded, Events, Pool

_IN_THE_WAY = (IsADirectoryError, NotADirectoryError, FileExistsError)


class Gathered:
    """The events of the frames in [begin, end) of a session's stream.

    Attributes:
        begin, end: positions.
    """

    __slots__ = ("_of", "begin", "end")

    def __init__(self, begin: int) -> None:
        self.begin = self.end = begin
        self._of: dict[RunDirectory, tuple[list[bytes], list[int] | None]] = {}

    def lists(
        self, directory: RunDirectory, session: bytes
    ) -> tuple[list[bytes], list[int] | None]:
        """Return the list of events for a directory, and the list of their frames' positions.

        The positions are kept only, and then for every event, while older files may hold some.
        """
        found = self._of.get(directory)
        if found is None:
            starts: list[int] | None = [] if session in directory.progress else None
            found = self._of[directory] = ([], starts)
        return found

    def add(self, directory: RunDirectory, session: bytes, start: int, event: bytes) -> None:
        """Add the event of the frame at ``start``."""
        events, starts = self.lists(directory, session)
        events.append(event)
        if starts is not None:
            starts.append(start)

    def settle(self, session: bytes) -> list[RunDirectory]:
        """Hand the new events to their directories; return the directories."""
        for directory, (events, starts) in self._of.items():
            progress = directory.progress.get(session)
            if progress is not None and starts is not None:
                pairs = zip(events, starts, strict=True)
                events = [event for event, start in pairs if not progress.written(start)]
            directory.add(session, self.begin, self.end, events)
        return list(self._of)


class Owed:
    """One record, whose frame is [begin, end), on its way through the pool.

    It is encoded as soon as :meth:`begin_encoding` is called, in whatever order the pool comes to
    it; or if there is no thread for it then, when the stream has come to it. Files that it has
    beside the event file are written only then: of two records that write one file, the later one
    is to win.

    Attributes:
        begin, end: positions.
        trouble: what keeps it from being settled; None while nothing does.
        refusal: why its files can never be written, as something stands in their way or one is
            larger than a file may be there; None: they can, or it is not known yet.

    Args:
        record: what is to be encoded.
        pool: who does it.
        place: begins to write its files beneath the author's directory.
    """

    __slots__ = (
        "_encoded",
        "_place",
        "_placed",
        "_pool",
        "_record",
        "begin",
        "end",
        "refusal",
        "retry_at",
        "trouble",
    )

    def __init__(
        self,
        begin: int,
        end: int,
        record: Record,
        pool: Pool,
        place: Callable[[Projection], Future[None]],
    ) -> None:
        self.begin = begin
        self.end = end
        self.trouble: str | None = None
        self.refusal: str | None = None
        self.retry_at: float | None = None
        """When to try again what a disk refused, on the monotonic clock."""
        self._pool = pool
        self._place = place
        self._record: Record | None = record
        self._encoded: Future[Encoded] | None = None
        self._placed: Future[None] | None = None

    def begin_encoding(self) -> None:
        """Give the record to the pool, if that has a thread."""
        if self._record is not None:
            with contextlib.suppress(NoThread):
                self._encoded = self._pool.encode(self._record)
                self._record = self.trouble = None

    def is_done(self, now: float, *, answered: bool = False) -> bool:
        """Whether :meth:`events` has an answer; to be asked when all before it is settled.

        Args:
            now: the monotonic clock.
            answered: whether the disk that was too slow has got to an answer since.
        """
        waits = not answered or self.trouble is not None
        if self.retry_at is not None and now < self.retry_at and waits:
            return False
        self.retry_at = None
        if self._encoded is None:
            self.begin_encoding()
        if self._encoded is None:
            return True
        if not self._encoded.done():
            return False
        if self._encoded.exception() is not None:
            return True
        files = self._encoded.result().beside
        if files is None:
            return True
        if self._placed is None:
            self._placed = self._place(files)
        return self._placed.done()

    def events(self) -> Events:
        """Return its events, or raise why there are none.

        They stay what they are where its files can never be written, see ``refusal``: for a daemon
        that meets the record again, and may write them, they count.

        Raises:
            RecordError: it cannot be encoded.
            OSError: its files cannot be written now, or it cannot be encoded now.
        """
        if self._encoded is None:
            raise NoThread
        encoded = self._encoded.result()
        if self._placed is not None:
            placed, self._placed = self._placed, None
            try:
                placed.result()
            except OSError as error:
                if not isinstance(error, _IN_THE_WAY) and error.errno != errno.EFBIG:
                    raise
                # Unlike a disk that is full or away, that does not pass.
                self.refusal = f"{error.strerror}: {error.filename}"
        return encoded.events

    def postpone(self, trouble: str | None, retry_at: float) -> None:
        """A disk refused, or was too slow: try again at ``retry_at``."""
        self.trouble = trouble
        self.retry_at = retry_at


Portion = Gathered | Owed
