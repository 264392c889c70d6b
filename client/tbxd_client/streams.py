"""The sessions that a link carries, and what all of them together ask of it.

They come and go from any thread, and from signal handlers; the link's thread goes through those
that there were when it began.
"""

from __future__ import annotations

from collections.abc import Iterator

from .stream import Stream


class Streams:
    """A collection of streams, each in it once. Who adds or removes holds one lock for it."""

    def __init__(self) -> None:
        self._all: tuple[Stream, ...] = ()

    def __iter__(self) -> Iterator[Stream]:
        return iter(self._all)

    def add(self, stream: Stream) -> None:
        """Have ``stream`` in it."""
        while stream not in (before := self._all):
            self._replace(before, (*before, stream))

    def remove(self, stream: Stream) -> None:
        """Have ``stream`` in it no longer."""
        while stream in (before := self._all):
            self._replace(before, tuple(each for each in before if each is not stream))

    def _replace(self, before: tuple[Stream, ...], after: tuple[Stream, ...]) -> None:
        """Hold ``after``, unless a signal handler has just changed it, too."""
        # One step, for it calls nothing.
        if self._all is before: self._all = after  # fmt: skip # noqa: E701

    def are_pending(self) -> bool:
        """Whether there is something for a daemon to do, and one that would do it."""
        return any(stream.is_pending() for stream in self._all)

    def have_work(self) -> bool:
        """Whether, with a connection, something can be sent."""
        return any(stream.has_work() for stream in self._all)

    def are_urgent(self) -> bool:
        """Whether somebody waits for what can be sent."""
        return any(stream.is_urgent() for stream in self._all)

    def unsent(self) -> int:
        """Return how many bytes may be sent now."""
        return sum(stream.unsent() for stream in self._all)

    def deadline(self) -> float | None:
        """Return the earliest deadline, on the monotonic clock; None for none."""
        return min(
            (each.outbox.deadline for each in self._all if each.outbox.deadline is not None),
            default=None,
        )

    def park(self) -> None:
        """Have the next record of each wake the link, if that is what it waits for."""
        for stream in self._all:
            stream.journal.parked = stream.awaits_record()

    def await_records(self) -> None:
        """Have the next record of each wake the link, whatever it waits for: it is not there."""
        for stream in self._all:
            stream.journal.parked = True

    def unpark(self) -> None:
        """The link is awake: no record need wake it."""
        for stream in self._all:
            stream.journal.parked = False

    def trim(self) -> None:
        """Give warm segments back."""
        for stream in self._all:
            stream.journal.trim()
