"""What one session has brought, in the order of its stream: portions, each settled as a whole.

A portion is either *gathered*, the events of consecutive frames, or *owed*, the events of one
record that the pool is still encoding. A stream settles its portions in order: their events go to
their run directories, without those that older files hold (tbxd.format.progress: asked once for
each event, in order, which is why it is asked here and not when a frame comes in).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from tbxd.sinks.run_directory import RunDirectory

from .pool import Events


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

    Attributes:
        begin, end: positions.
        trouble: what keeps it from being written; None while nothing does.

    Args:
        submit: gives the record to the pool, again if its files could not be written.
    """

    __slots__ = ("_again_at", "_future", "_submit", "begin", "end", "trouble")

    def __init__(self, begin: int, end: int, submit: Callable[[], Future[Events]]) -> None:
        self.begin = begin
        self.end = end
        self.trouble: str | None = None
        self._submit = submit
        self._again_at: float | None = None
        self._future = submit()

    @property
    def deadline(self) -> float | None:
        """When to try again what a disk refused, on the monotonic clock."""
        return self._again_at

    def is_done(self, now: float) -> bool:
        """Whether :meth:`events` has an answer; begins anew what is due."""
        if self._again_at is not None and now >= self._again_at:
            self._again_at = None
            if self._future.done() and self._future.exception() is not None:
                self._future = self._submit()
        return self._again_at is None and self._future.done()

    def events(self) -> Events:
        """Return its events, or raise why there are none: see ``Pool.submit``."""
        return self._future.result()

    def postpone(self, error: OSError, again_at: float) -> None:
        """A disk refused: try again at ``again_at``."""
        self.trouble = f"{error.strerror or error}: {error.filename or 'a file beside the events'}"
        self._again_at = again_at


Portion = Gathered | Owed
