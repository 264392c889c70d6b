"""Daemons that die in the middle of a write, again and again: every event once, in order.

Streams of frames, cut into batches at random, go through real run directories into real files. A
daemon's life ends with its last round cut off at any byte, differently in each directory; the
next one resumes from the files, and the clients replay from any place they may, in other batches.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass, field

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tbxd.encode.scalar import encode
from tbxd.reading.events import events_of
from tbxd.sinks.descriptors import Descriptors
from tbxd.sinks.disk import Disk
from tbxd.sinks.run_directory import RunDirectory
from tbxd.sinks.ticket import Ticket

from .writing import patient_disk, write

DIRECTORIES = 2


@dataclass
class Stream:
    """A session as its client knows it."""

    name: bytes
    frames: list[tuple[int, int, frozenset[int]]]
    """Start and end of each frame, and the directories it has an event for."""
    acked: int = 0
    """Frames that are acknowledged."""
    next: int = 0
    """The frame that the present daemon expects next."""

    def position(self, frame: int) -> int:
        return self.frames[frame][0] if frame < len(self.frames) else self.frames[-1][1]


@st.composite
def streams(draw: st.DrawFn) -> list[Stream]:
    found = []
    for number in range(draw(st.integers(1, 2))):
        shapes = draw(
            st.lists(
                st.tuples(
                    st.integers(9, 30),
                    st.sampled_from([{0}, {0}, {1}, {0, 1}, set()]).map(frozenset),
                ),
                min_size=1,
                max_size=24,
            )
        )
        frames = []
        position = 0
        for length, directories in shapes:
            frames.append((position, position + length, directories))
            position += length
        found.append(Stream(bytes([number]) * 16, frames))
    return found


@dataclass
class Daemon:
    """One life of a daemon: what the pipeline does with the run directories, and no more."""

    root: str
    data: st.DataObject
    disk: Disk = field(default_factory=lambda: patient_disk(Descriptors(1)))
    directories: list[RunDirectory] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.directories = [
            RunDirectory(
                os.path.join(self.root, str(number)),
                self.disk,
                host="host",
                clock=lambda: 1_700_000_000.0,
            )
            for number in range(DIRECTORIES)
        ]

    def close(self) -> None:
        for directory in self.directories:
            directory.close()
        self.disk.close()

    def welcome(self, stream: Stream) -> None:
        """The client begins anywhere up to what was acknowledged."""
        stream.next = self.data.draw(st.integers(0, stream.acked), label="replay from frame")
        for directory in self.directories:
            directory.resume(stream.name)

    def accept(self, stream: Stream) -> None:
        """Take one batch of the stream."""
        left = len(stream.frames) - stream.next
        batch = range(
            stream.next,
            len(stream.frames) - self.data.draw(st.integers(0, left - 1), label="left for later"),
        )
        begin, end = stream.position(batch.start), stream.position(batch.stop)
        for number, directory in enumerate(self.directories):
            mine = [frame for frame in batch if number in stream.frames[frame][2]]
            if not mine:
                continue
            events = []
            for frame in mine:
                progress = directory.progress.get(stream.name)
                if progress is None or not progress.written(stream.position(frame)):
                    events.append(encode(stream.name.hex(), frame, 1.0, 0.0))
            directory.add(stream.name, begin, end, events)
        stream.next = batch.stop

    def round(self, all_streams: list[Stream], crash: bool, least: int = 0) -> None:
        """Take batches of some streams and write them; if the daemon dies in it, tear it."""
        touched = []
        for stream in all_streams:
            for _ in range(self.data.draw(st.integers(least, 2), label="batches")):
                if stream.next < len(stream.frames):
                    self.accept(stream)
                    touched.append(stream)
        sizes = [size_of(directory.file.path) for directory in self.directories]
        tickets = [write(directory, 2.0) for directory in self.directories]
        torn = set()
        if crash:
            torn = {
                number
                for number, ticket in enumerate(tickets)
                if ticket is not None and self.tear(number, sizes[number])
            }
        self.acknowledge(touched, tickets, torn, crash)

    def tear(self, number: int, size_before: int) -> bool:
        """Cut the directory's file anywhere in this round; return whether something is missing."""
        path = self.directories[number].file.path
        assert path is not None
        size = os.path.getsize(path)
        kept = self.data.draw(st.integers(size_before, size), label="bytes that reached the file")
        if kept == 0 and self.data.draw(st.booleans(), label="no file at all"):
            os.unlink(path)
        else:
            os.truncate(path, kept)
        return kept < size

    def acknowledge(
        self, touched: list[Stream], tickets: list[Ticket | None], torn: set[int], crash: bool
    ) -> None:
        for stream in touched:
            here = {number for _, _, mine in stream.frames[: stream.next] for number in mine}
            if torn & here:
                continue
            assert all(ticket is None or ticket.committed() for ticket in tickets)
            # In a crash the ack may have got out or not.
            if not crash or self.data.draw(st.booleans(), label="the ack got out"):
                stream.acked = max(stream.acked, stream.next)


def size_of(path: str | None) -> int:
    return 0 if path is None else os.path.getsize(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(streams(), st.data())
def test_every_event_once_and_in_order_whatever_is_torn(
    all_streams: list[Stream], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as root:
        for _ in range(data.draw(st.integers(0, 5), label="crashes")):
            daemon = Daemon(root, data)
            for stream in all_streams:
                daemon.welcome(stream)
            for _ in range(data.draw(st.integers(0, 3), label="good rounds")):
                daemon.round(all_streams, crash=False)
                if data.draw(st.integers(0, 4), label="forgets a session") == 0:
                    stream = all_streams[0]
                    for directory in daemon.directories:
                        if data.draw(st.booleans(), label="and its directory too"):
                            directory.forget(stream.name)
                    daemon.welcome(stream)
            daemon.round(all_streams, crash=True)
            daemon.close()
        daemon = Daemon(root, data)
        for stream in all_streams:
            daemon.welcome(stream)
        while any(stream.next < len(stream.frames) for stream in all_streams):
            daemon.round(all_streams, crash=False, least=1)
        daemon.close()
        for number, directory in enumerate(daemon.directories):
            found = [
                (logged.summary.value[0].tag, logged.step)
                for logged in events_of(directory.path)
                if logged.HasField("summary")
            ]
            for stream in all_streams:
                expected = [
                    index for index, (_, _, mine) in enumerate(stream.frames) if number in mine
                ]
                tag = stream.name.hex()
                assert [step for name, step in found if name == tag] == expected
            with contextlib.suppress(FileNotFoundError):
                event(f"files: {min(len(os.listdir(directory.path)), 4)}")
