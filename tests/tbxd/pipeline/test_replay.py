"""Daemons that die at any byte of any file, and replays that are cut in any way: once, in order."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tbxd.config import Config, Fsync
from tbxd.encode import encode, is_slow
from tbxd.intake.roster import Roster
from tbxd.pipeline import Pipeline
from tbxd.pipeline.pool import Encoded, Pool
from tbxd.reading.events import event_files, events_of
from tbxd_wire import frame, records
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind
from tbxd_wire.records import Record
from tests.tbxd.hellos import hello_of


def body_of(kind: int, step: int) -> bytes:
    """Return a record: some go into the run, some into one or two sub-runs, one nowhere."""
    wall_time = 1.7e9 + step
    if kind == 0:
        return records.pack((records.SCALAR, "loss", step, wall_time, float(step)))
    if kind == 1:
        return records.encode(Kind.SCALAR_GROUP, "g", step, wall_time, {"a": 1.0})
    if kind == 2:
        return records.encode(Kind.SCALAR_GROUP, "g", step, wall_time, {"a": 1.0, "b": 2.0})
    if kind == 3:
        return records.encode(Kind.TEXT, "note", step, wall_time, "x" * step)
    if kind == 5:
        return records.encode(Kind.TEXT, "refused", step, wall_time, b"no str")
    return records.pack((200, "of another age", step, wall_time))


streams = st.lists(st.integers(0, 5), min_size=1, max_size=25).map(
    lambda kinds: [body_of(kind, step) for step, kind in enumerate(kinds, 1)]
)


class SomeTime(Pool):
    """A pool that is done with a record when the test says so, in any order."""

    def __init__(self) -> None:
        self.owed: list[tuple[Future[Encoded], Record]] = []

    def encode(self, record: Record) -> Future[Encoded]:
        future: Future[Encoded] = Future()
        self.owed.append((future, record))
        return future

    def pay(self, index: int) -> None:
        future, record = self.owed.pop(index)
        try:
            future.set_result(Encoded(encode(record)))
        except RecordError as error:
            future.set_exception(error)

    def pay_all(self) -> None:
        while self.owed:
            self.pay(0)

    def close(self) -> None:
        self.owed.clear()


def slow_kinds(record: Record, record_bytes: int) -> bool:
    return record[0] in (Kind.TEXT, Kind.SCALAR_GROUP) and bool(is_slow(record, 0) or record[2] % 3)


@pytest.fixture(autouse=True, scope="module")
def _slow() -> Iterator[None]:
    """Much is slow, and the pool gets two records of a stream at a time."""
    with (
        patch("tbxd.pipeline.take.is_slow", slow_kinds),
        patch("tbxd.pipeline.stream.LOOK_AHEAD", 2),
    ):
        yield


def pipeline_with(pool: Pool, place: str) -> Pipeline:
    pipeline = Pipeline(
        Config(place, fsync=Fsync.NEVER, notes=False), lambda: None, patience_s=60.0
    )
    pipeline._pool = pool
    return pipeline


@settings(max_examples=300, deadline=None)
@given(streams, st.data())
def test_every_event_once_and_in_order(bodies: list[bytes], data: st.DataObject) -> None:
    draw: Callable[..., Any] = data.draw
    expected: dict[str, list[bytes]] = defaultdict(list)
    for body in bodies:
        with contextlib.suppress(RecordError):
            for relative, event in encode(records.decode(body)):
                expected[relative].append(event)
    frames = [frame.encode(body) for body in bodies]
    ends = [0]
    for each in frames:
        ends.append(ends[-1] + len(each))
    stream = b"".join(frames)
    session = os.urandom(16)

    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "run"
        acked = 0
        for _ in range(data.draw(st.integers(1, 4), label="deaths")):
            pool = SomeTime()
            pipeline = pipeline_with(pool, place)
            # The client may not have heard of the last acks.
            begin = data.draw(st.sampled_from([end for end in ends if end <= acked]), label="from")
            hello = hello_of(str(run), session=session, position=begin, known=True)
            entry = Roster(1 << 28).add(hello, str(run), 0.0)
            position = begin
            while position < ends[-1]:
                cut = data.draw(st.sampled_from([end for end in ends if end > position]))
                assert pipeline.feed(entry, position, memoryview(stream)[position:cut]) is None
                position = cut
                while pool.owed and draw(st.booleans(), label="one is encoded"):
                    pool.pay(data.draw(st.integers(0, len(pool.owed) - 1)))
                if data.draw(st.booleans(), label="round ends"):
                    before = sizes(run)
                    pipeline.commit(0.0)
                    if data.draw(st.booleans(), label="dies while writing"):
                        tear(run, before, data)
                        break
                    acked = max(acked, entry.session.committed)
            else:
                finish_all(pipeline, pool)
                acked = max(acked, entry.session.committed)
            pipeline.close()
        finish(run, session, stream, acked)
        for relative in ("", "g/a", "g/b"):
            found = [
                event.SerializeToString()
                for event in events_of(str(run / relative))
                if event.HasField("summary")
            ]
            assert found == expected[relative], relative


def sizes(run: Path) -> dict[str, int]:
    """Return the size of each event file."""
    found = {}
    for directory, _, _ in os.walk(run):
        for path in event_files(directory):
            found[path] = os.path.getsize(path)
    return found


def tear(run: Path, before: dict[str, int], data: st.DataObject) -> None:
    """Take back any part of what the last round wrote to each file."""
    for path, size in sizes(run).items():
        os.truncate(path, data.draw(st.integers(before.get(path, 0), size), label="torn at"))


def finish_all(pipeline: Pipeline, pool: SomeTime) -> None:
    """Have everything encoded and written."""
    pipeline.commit(0.0)
    while pool.owed:
        pool.pay_all()
        pipeline.commit(0.0)


def finish(run: Path, session: bytes, stream: bytes, acked: int) -> None:
    """Let one last daemon write what is still missing, in one batch."""
    pool = SomeTime()
    pipeline = pipeline_with(pool, str(run.parent))
    hello = hello_of(str(run), session=session, position=acked, known=True)
    entry = Roster(1 << 28).add(hello, str(run), 0.0)
    if acked < len(stream):
        assert pipeline.feed(entry, acked, memoryview(stream)[acked:]) is None
        finish_all(pipeline, pool)
    assert entry.session.committed == len(stream)
    pipeline.close()
