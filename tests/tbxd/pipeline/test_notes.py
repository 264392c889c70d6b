"""What the daemon itself says in a run: once for each session, behind what was logged."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest

from tbxd.config import Config, Fsync
from tbxd.intake.entry import Entry
from tbxd.intake.roster import Roster
from tbxd.pipeline import Pipeline
from tbxd.reading.events import events_of
from tbxd_wire import frame
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind
from tests.tbxd.hellos import hello_of, scalar_frame, scalar_frames
from tests.waiting import wait_until


class House:
    """A pipeline as a daemon has it, without the daemon."""

    def __init__(self, directory: Path) -> None:
        self.roster = Roster(256 << 20)
        self.pipeline = Pipeline(
            Config(str(directory), fsync=Fsync.NEVER), lambda: None, patience_s=60.0
        )

    def session(self, run: Path) -> Entry:
        hello = hello_of(str(run), job="4711")
        return self.roster.add(hello, self.pipeline.author_directory(hello), 1000.0)

    def feed(self, entry: Entry, frames: bytes) -> None:
        assert self.pipeline.feed(entry, entry.session.accepted, memoryview(frames)) is None
        self.pipeline.commit(1000.0)

    def end(self, entry: Entry) -> None:
        """What the conversation does at a farewell."""
        entry.session.end(entry.session.accepted)
        self.pipeline.note_end(entry)
        self.pipeline.commit(1000.0)

    def look_around(self) -> None:
        """What the server does every second."""
        self.pipeline.tidy(self.roster)
        self.roster.tidy()
        self.pipeline.commit(1000.0)


def another(directory: Path) -> House:
    """Return the pipeline of a later daemon: none comes within the same millisecond."""
    begun = int(time.time() * 1000)
    wait_until(lambda: int(time.time() * 1000) > begun, "the clock goes on")
    return House(directory)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.pipeline.close()


def texts(directory: Path) -> list[str]:
    """Return the first word of each text, which must stand at rising steps."""
    found = []
    last = 0
    for event in events_of(str(directory)):
        for value in event.summary.value:
            if value.tag == "tbxd/lifecycle":
                assert event.step > last
                last = event.step
                assert value.metadata.plugin_data.plugin_name == "text"
                text = value.tensor.string_val[0].decode()
                assert "on somewhere, job 4711, 20" in text
                found.append(text.split("**")[1])
    return found


def last_text(directory: Path) -> str:
    *_, last = (
        value.tensor.string_val[0].decode()
        for event in events_of(str(directory))
        for value in event.summary.value
        if value.tag == "tbxd/lifecycle"
    )
    return last


def test_started_and_ended(house: House, tmp_path: Path) -> None:
    run = tmp_path / "run"
    entry = house.session(run)
    house.look_around()
    assert not run.exists()
    house.feed(entry, scalar_frames(0, 3))
    assert texts(run) == ["started"]
    house.feed(entry, scalar_frames(3, 6))
    house.look_around()
    assert texts(run) == ["started"]
    house.end(entry)
    assert texts(run) == ["started", "ended cleanly"]
    house.look_around()
    assert texts(run) == ["started", "ended cleanly"]
    assert "last step 5; last record 2023-11-14 22:13:25 UTC" in last_text(run)


def test_ended_by_an_exception(house: House, tmp_path: Path) -> None:
    run = tmp_path / "run"
    entry = house.session(run)
    house.feed(entry, scalar_frames(0, 3))
    entry.session.end(entry.session.accepted, "OverflowError")
    house.pipeline.note_end(entry)
    house.look_around()
    assert texts(run) == ["started", "died"]
    assert last_text(run).startswith("**died** of OverflowError\n")


def test_resumed(house: House, tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = house.session(run)
    house.feed(first, scalar_frames(0, 3))
    beside = house.session(run)
    house.feed(beside, scalar_frames(0, 3))
    assert texts(run) == ["started", "started"]
    first.session.die()
    beside.session.die()
    house.look_around()
    house.feed(house.session(run), scalar_frames(3, 6))
    assert texts(run) == ["started", "started", "died", "died", "resumed"]


def test_rejected(house: House, tmp_path: Path) -> None:
    run = tmp_path / "run"
    entry = house.session(run)
    house.feed(entry, scalar_frames(0, 3))
    entry.session.reject("it lies")
    house.look_around()
    assert last_text(run).startswith("**turned away**: it lies")


def test_who_logs_nothing_leaves_no_trace(house: House, tmp_path: Path) -> None:
    run = tmp_path / "run"
    house.end(house.session(run))
    house.look_around()
    assert not run.exists()


def test_a_directory_that_was_removed_stays_so(house: House, tmp_path: Path) -> None:
    run = tmp_path / "run"
    entry = house.session(run)
    house.feed(entry, scalar_frames(0, 3))
    shutil.rmtree(run)
    entry.session.die()
    house.look_around()
    assert not run.exists()
    assert house.pipeline.drained


def test_files_that_were_removed_stay_so(house: House, tmp_path: Path) -> None:
    run = tmp_path / "run"
    entry = house.session(run)
    house.feed(entry, scalar_frames(0, 3))
    for path in run.iterdir():
        path.unlink()
    entry.session.die()
    house.look_around()
    assert not list(run.iterdir())


def test_sessions_of_an_earlier_daemon(house: House, tmp_path: Path) -> None:
    """Of a session that was there before this daemon, only its end is news."""
    run = tmp_path / "run"
    first = house.session(run)
    house.feed(first, scalar_frames(0, 3))
    later = another(tmp_path)
    hello = first.session.hello._replace(known=True, position=first.session.accepted)
    known = later.roster.add(hello, str(run), 1000.0)
    later.feed(known, scalar_frames(3, 6))
    assert texts(run) == ["started"]
    known.session.die()
    later.look_around()
    later.pipeline.close()
    assert texts(run) == ["started", "died"]
    # All of it was committed before; the new daemon has nothing to feed.
    latest = another(tmp_path)
    late = latest.roster.add(hello, str(run), 1000.0, recovered=True)
    late.session.die()
    latest.look_around()
    latest.pipeline.close()
    assert texts(run) == ["started", "died", "died"]


def test_a_session_that_no_daemon_knew_alive(house: House, tmp_path: Path) -> None:
    run = tmp_path / "run"
    hello = hello_of(str(run), job="4711", known=True)
    entry = house.roster.add(hello, str(run), 1000.0, recovered=True)
    house.feed(entry, scalar_frames(0, 3))
    entry.session.die()
    house.look_around()
    assert texts(run) == ["started", "died"]


def curve(run: Path, tag: str) -> list[tuple[int, float]]:
    """Return steps and values of a scalar of a run."""
    return [
        (event.step, value.simple_value)
        for event in events_of(str(run))
        for value in event.summary.value
        if value.tag == tag
    ]


def test_shed(house: House, tmp_path: Path) -> None:
    run = tmp_path / "run"
    entry = house.session(run)
    house.feed(entry, scalar_frames(0, 3))
    entry.shed = 7
    house.look_around()
    house.look_around()
    house.feed(entry, scalar_frame(9))
    entry.shed = 12
    house.end(entry)
    assert curve(run, "tbxd/shed") == [(2, 7.0), (9, 12.0)]
    assert curve(run, "tbxd/refused") == []
    assert "12 records shed because its journal was full" in last_text(run)


def test_refused(house: House, tmp_path: Path) -> None:
    run = tmp_path / "run"
    entry = house.session(run)
    bad = frame.encode(msgpack.packb([int(Kind.SCALAR), 5, 0, 1.0, 2.0]))
    unknown = frame.encode(msgpack.packb([250, "tag", 0, 1.0, 2.0]))
    house.feed(entry, scalar_frames(0, 3) + bad)
    house.look_around()
    house.feed(entry, bad + unknown + scalar_frame(9))
    house.end(entry)
    assert curve(run, "tbxd/shed") == []
    assert [value for _, value in curve(run, "tbxd/refused")] == [1.0, 3.0]
    assert "; 2 records refused: " in last_text(run)
    assert "; 1 record refused: " in last_text(run)


def test_a_reason_that_names_what_is_not_utf8(house: House, tmp_path: Path) -> None:
    run = tmp_path / "run"
    entry = house.session(run)
    house.feed(entry, scalar_frame(1))
    entry.refused = 1
    entry.refusals.count("caf\udce9 is a file")
    house.end(entry)
    assert last_text(run).endswith("; 1 record refused: caf\\udce9 is a file")


def test_notes_take_nothing_from_the_records(house: House, tmp_path: Path) -> None:
    """The marks account for notes, too: a daemon that comes later finds every session's place."""
    run = tmp_path / "run"
    entry = house.session(run)
    frames = [scalar_frame(step) for step in range(6)]
    house.feed(entry, b"".join(frames[:3]))
    house.end(house.session(tmp_path / "other"))
    other = house.session(run)
    house.feed(other, scalar_frame(77))
    house.end(other)
    house.feed(entry, b"".join(frames[3:5]))
    again = House(tmp_path)
    hello = entry.session.hello
    replay = again.roster.add(hello, str(run), 1000.0, recovered=True)
    replay.session.resumes = True
    again.feed(replay, b"".join(frames))
    again.pipeline.close()
    steps = [
        event.step
        for event in events_of(str(run))
        for value in event.summary.value
        if value.tag == "loss" and event.step != 77
    ]
    assert steps == [0, 1, 2, 3, 4, 5]


def test_no_notes(tmp_path: Path) -> None:
    pipeline = Pipeline(
        Config(str(tmp_path), fsync=Fsync.NEVER, notes=False), lambda: None, patience_s=60.0
    )
    house = House(tmp_path)
    house.pipeline = pipeline
    entry = house.session(tmp_path / "run")
    house.feed(entry, scalar_frames(0, 3))
    house.end(entry)
    assert texts(tmp_path / "run") == []
    pipeline.close()


def test_no_session_may_pass_for_the_daemon(house: House, tmp_path: Path) -> None:
    """Two of one name in a mark would take each other's place."""
    with pytest.raises(RecordError, match="random"):
        house.pipeline.author_directory(hello_of(str(tmp_path), session=bytes(16)))
