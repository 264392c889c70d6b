"""Files that must not become large: rounds are cut to it, and what no file can take is refused."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd.config import Config, Fsync
from tbxd.encode.event import emptied
from tbxd.encode.scalar import encode as encode_scalar
from tbxd.intake.entry import Entry
from tbxd.intake.roster import Roster
from tbxd.pipeline import Pipeline
from tbxd.pipeline.parts import parts
from tbxd.proto.event_pb2 import Event
from tbxd.reading.events import event_files, events_of
from tbxd.reading.records import RecordFile
from tbxd_wire import frame, records
from tbxd_wire.kinds import Kind
from tests.tbxd.hellos import hello_of, scalar_frame, scalar_frames
from tests.tbxd.sinks.test_file_limit import file_limit
from tests.tbxd.test_hostile import embedding
from tests.waiting import wait_until

_LIMIT_BYTES = 20_000
"""Of which a round may have half."""


@contextlib.contextmanager
def pipeline_in(directory: Path) -> Iterator[Pipeline]:
    config = Config(str(directory), fsync=Fsync.NEVER, notes=False)
    made = Pipeline(config, lambda: None, patience_s=60.0)
    try:
        yield made
    finally:
        made.close()


def session_of(pipeline: Pipeline, run: Path, session: bytes | None = None) -> Entry:
    hello = hello_of(str(run), session=session, known=session is not None)
    return Roster(256 << 20).add(hello, pipeline.author_directory(hello), 0.0)


def feed(pipeline: Pipeline, entry: Entry, frames: bytes) -> None:
    """Have a batch written."""
    pipeline.feed(entry, 0, memoryview(frames))

    def is_written() -> bool:
        pipeline.commit(0.0)
        assert entry.trouble is None
        return pipeline.drained

    wait_until(is_written, "it is written")
    assert entry.session.committed == len(frames)


def steps_of(run: Path) -> list[int]:
    return [event.step for event in events_of(str(run)) if event.HasField("summary")]


def text_frame(step: int, length: int) -> bytes:
    return frame.encode(records.encode(Kind.TEXT, "text", step, 1.7e9, "x" * length))


def test_a_batch_that_no_file_could_take_is_written_in_several_rounds(tmp_path: Path) -> None:
    with pipeline_in(tmp_path) as pipeline, file_limit(_LIMIT_BYTES):
        entry = session_of(pipeline, tmp_path / "run")
        feed(pipeline, entry, scalar_frames(0, 2000))
    assert steps_of(tmp_path / "run") == list(range(2000))
    assert entry.refused == 0
    sizes = [os.path.getsize(path) for path in event_files(str(tmp_path / "run"))]
    assert max(sizes) <= _LIMIT_BYTES
    assert len(sizes) == 5


@pytest.mark.parametrize("length", [12_000, 40_000])
def test_a_record_that_no_file_can_take_is_refused_and_the_rest_goes_on(
    tmp_path: Path, length: int
) -> None:
    """Both what is encoded at once and what is not."""
    with pipeline_in(tmp_path) as pipeline, file_limit(_LIMIT_BYTES):
        entry = session_of(pipeline, tmp_path / "run")
        frames = scalar_frame(1) + text_frame(2, length) + text_frame(3, 5_000) + scalar_frame(4)
        feed(pipeline, entry, frames)
    assert steps_of(tmp_path / "run") == [1, 3, 4]
    assert (entry.refused, entry.records) == (1, 4)
    assert "none is larger than 9,984 bytes (ulimit -f)" in (entry.refusals.last or "")


def tear(run: Path, whole: int) -> None:
    """Leave of a run's one file its header, the first mark and so many events behind it."""
    (path,) = event_files(str(run))
    with RecordFile(path) as file:
        ends = [end for end, _ in file.walk()]
    os.truncate(path, ends[1 + whole])


@pytest.mark.parametrize("whole", range(6))
def test_a_daemon_without_the_limit_writes_nothing_twice(tmp_path: Path, whole: int) -> None:
    """What the first has refused counts for the second, in a round that was torn anywhere."""
    run = tmp_path / "run"
    frames = scalar_frame(0) + text_frame(1, 12_000) + scalar_frames(2, 5)
    with pipeline_in(tmp_path) as pipeline, file_limit(_LIMIT_BYTES):
        entry = session_of(pipeline, run)
        feed(pipeline, entry, frames)
    assert entry.refused == 1
    tear(run, whole)
    with pipeline_in(tmp_path) as pipeline:
        feed(pipeline, session_of(pipeline, run, entry.session.name), frames)
    expected = [0, 1, 2, 3, 4] if whole < 2 else [0, 2, 3, 4]
    assert steps_of(run) == expected


@pytest.mark.parametrize("whole", range(5))
def test_a_daemon_that_may_write_the_files_writes_no_event_twice(
    tmp_path: Path, whole: int
) -> None:
    """An embedding whose files are refused has its event all the same."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "00003").touch()
    frames = scalar_frame(0) + embedding("tag") + scalar_frames(1, 3)
    with pipeline_in(tmp_path) as pipeline:
        entry = session_of(pipeline, run)
        # One round, once the embedding is dealt with.
        pipeline.feed(entry, 0, memoryview(frames))
        (stream,) = pipeline._streams.values()
        wait_until(lambda: stream.settle(0.0) and not stream.unsettled, "it is refused")
        pipeline._fed.add(stream)
        pipeline.commit(0.0)
    assert entry.refusals.last == f"Not a directory: {run / '00003' / 'tag'}"
    (run / "00003").unlink()
    tear(run, whole)
    with pipeline_in(tmp_path) as pipeline:
        feed(pipeline, session_of(pipeline, run, entry.session.name), frames)
    assert steps_of(run) == [0, 1, 2]


def test_an_event_without_what_it_holds() -> None:
    event = Event.FromString(emptied(encode_scalar("tag", 7, 1.5, 2.5)))
    assert event == Event(wall_time=1.5, step=7)


def test_without_a_limit_there_is_one_part() -> None:
    frames = memoryview(scalar_frames(0, 1000))
    assert [len(part) for part in parts(frames)] == [len(frames)]
    assert [len(part) for part in parts(memoryview(b""))] == [0]


@given(st.lists(st.integers(1, 3000), max_size=20), st.binary(max_size=20))
def test_parts_are_whole_frames(lengths: list[int], rest: bytes) -> None:
    frames = b"".join(frame.encode(bytes(length)) for length in lengths)
    with file_limit(_LIMIT_BYTES):
        found = [bytes(part) for part in parts(memoryview(frames + rest))]
    assert b"".join(found) == frames + rest
    for part in found[:-1]:
        assert frame.whole(part) == len(part)
        last = [end for end, _ in frame.walk(part)][-2:-1] or [0]
        assert last[0] < _LIMIT_BYTES / 2 / 8 <= len(part)
