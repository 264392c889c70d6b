"""Frames in, event files and committed positions out, in real directories."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tbxd.config import Config, Fsync
from tbxd.encode import table
from tbxd.intake.entry import Entry
from tbxd.intake.roster import Roster
from tbxd.intake.session import State
from tbxd.pipeline import Pipeline
from tbxd.proto.event_pb2 import Event
from tbxd.reading.events import events_of
from tbxd.sinks import event_file
from tbxd.sinks.descriptors import DESCRIPTORS
from tbxd.sinks.disk import RETRY_FIRST_S, RETRY_MOST_S
from tbxd.sinks.event_file import EventFile
from tbxd.sinks.lane import Blocked
from tbxd.sinks.run_directory import RunDirectory
from tbxd_wire import frame, records
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind
from tests.tbxd.encode.making import frame_of
from tests.tbxd.hellos import hello_of, scalar_frame, scalar_frames
from tests.tbxd.opened import opened
from tests.tbxd.threads import none_start
from tests.waiting import wait_until


class House:
    """A pipeline, its roster, and a clock that only moves when told to."""

    def __init__(
        self, directory: Path, fsync: Fsync = Fsync.NEVER, open_files: int = DESCRIPTORS
    ) -> None:
        self.woken = threading.Event()
        self.roster = Roster(256 << 20)
        config = Config(str(directory), fsync=fsync, notes=False)
        self.pipeline = Pipeline(config, self.woken.set, open_files, patience_s=60.0)
        self.now = 1000.0

    def session(self, run: Path, **fields: Any) -> Entry:
        hello = hello_of(str(run), **fields)
        return self.roster.add(hello, self.pipeline.author_directory(hello), self.now)

    def feed(self, entry: Entry, frames: bytes) -> str | None:
        return self.pipeline.feed(entry, entry.session.accepted, memoryview(frames))

    def commit(self, after_s: float = 0.0) -> None:
        self.now += after_s
        self.pipeline.commit(self.now)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.pipeline.close()


def steps_of(directory: Path) -> list[int]:
    return [event.step for event in events_of(str(directory)) if event.HasField("summary")]


def summaries_of(directory: Path) -> list[Event]:
    return [event for event in events_of(str(directory)) if event.HasField("summary")]


def test_scalars_become_events_and_the_position_is_committed(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path / "run")
    frames = scalar_frames(0, 100)
    assert house.feed(entry, frames) is None
    assert entry.session.accepted == len(frames)
    assert entry.session.committed == 0
    house.commit()
    assert entry.session.committed == len(frames)
    assert entry.session.ack_due
    assert house.pipeline.drained
    assert steps_of(tmp_path / "run") == list(range(100))
    values = [event.summary.value[0] for event in summaries_of(tmp_path / "run")]
    assert [value.simple_value for value in values] == [float(step) for step in range(100)]
    assert {value.tag for value in values} == {"loss"}


def test_what_is_counted(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path / "run")
    frames = scalar_frames(0, 10) + scalar_frame(4) + scalar_frame(5)
    house.feed(entry, frames)
    house.commit()
    assert (entry.records, entry.bytes) == (12, len(frames))
    assert entry.steps_back == 1
    assert entry.last_step == 5
    assert entry.last_wall_time == entry.committed_wall_time == 1.7e9 + 5


def test_nothing_is_made_before_there_is_an_event(house: House, tmp_path: Path) -> None:
    house.session(tmp_path / "run")
    house.commit()
    assert not (tmp_path / "run").exists()


def test_roles_write_below_the_run(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path / "run", role="rank3/worker1")
    house.feed(entry, scalar_frame(1))
    house.commit()
    assert steps_of(tmp_path / "run" / "rank3" / "worker1") == [1]


def test_the_root_can_be_a_run(house: House) -> None:
    assert house.pipeline.author_directory(hello_of("/", role="a")) == "/a"
    assert house.pipeline.author_directory(hello_of("/runs/x/", role="a")) == "/runs/x/a"


@pytest.mark.parametrize(
    "fields",
    [
        {"run": "relative"},
        {"run": ""},
        {"run": "/with\0nul"},
        {"run": "/" + 20 * ("x" * 250 + "/")},
        {"role": "../elsewhere"},
        {"role": "/etc"},
        {"role": "a//b"},
        {"suffix": "/../x"},
    ],
)
def test_hellos_that_lead_elsewhere(house: House, fields: dict[str, str]) -> None:
    with pytest.raises(RecordError):
        house.pipeline.author_directory(hello_of(**{"run": "/runs/x", **fields}))  # type: ignore[arg-type]


def test_groups_go_into_sub_runs(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path / "run")
    group = records.encode(Kind.SCALAR_GROUP, "losses", 3, 1.7e9, {"a": 1.0, "b": 2.0})
    house.feed(entry, scalar_frame(1) + frame.encode(group) + scalar_frame(2))
    house.commit()
    assert steps_of(tmp_path / "run") == [1, 2]
    assert steps_of(tmp_path / "run" / "losses" / "a") == [3]
    assert steps_of(tmp_path / "run" / "losses" / "b") == [3]
    assert entry.records == 3


def test_many_scalars_become_one_event(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path / "run")
    house.feed(
        entry, frame.encode(records.encode(Kind.SCALARS, "", 7, 1.7e9, {"a": 1.0, "b": 2.0}))
    )
    house.commit()
    (event,) = summaries_of(tmp_path / "run")
    assert {value.tag: value.simple_value for value in event.summary.value} == {"a": 1.0, "b": 2.0}


PLAIN = (records.SCALAR, "loss", 1, 1.7e9, 2.0)


@pytest.mark.parametrize(
    "body",
    [
        records.pack((records.SCALAR, "loss", 1, 1.7e9, "a string")),
        records.pack((records.SCALAR, "loss", 1, float("nan"), 2.0)),
        records.pack((records.SCALAR, "loss", 1, float("inf"), 2.0)),
        records.pack((records.SCALAR, "loss", 1, "17", 2.0)),
        records.pack((records.SCALAR, "loss", 1 << 63, 1.7e9, 2.0)),
        records.pack((records.SCALAR, "loss", True, 1.7e9, 2.0)),
        records.pack((records.SCALAR, b"loss", 1, 1.7e9, 2.0)),
        records.pack((records.SCALAR, "loss", 1, 1.7e9)),
        records.pack(("SCALAR", "loss", 1, 1.7e9, 2.0)),
        records.pack(5),
        records.pack("12345"),
        records.pack(None),
        b"\xc1",
        records.pack(PLAIN)[:-1],
        records.pack(PLAIN) + b"\0",
        records.encode(Kind.SCALAR_GROUP, "../..", 1, 1.7e9, {"a": 1.0}),
        records.encode(Kind.SCALAR_GROUP, "g", 1, 1.7e9, {"../a": 1.0}),
        b"\x91" * 2000 + b"\xc0",
    ],
)
def test_a_record_that_is_none_is_refused_and_the_stream_goes_on(
    house: House, tmp_path: Path, body: bytes
) -> None:
    entry = house.session(tmp_path / "run")
    assert house.feed(entry, scalar_frame(1) + frame.encode(body) + scalar_frame(2)) is None
    house.commit()
    assert steps_of(tmp_path / "run") == [1, 2]
    assert entry.refused == 1
    assert entry.refusals.last
    assert entry.records == 3
    assert entry.session.uncommitted == 0
    assert entry.last_step == 2


def test_values_that_are_no_numbers_are_written(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path / "run")
    values = [float("nan"), float("inf"), float("-inf"), 1e300]
    house.feed(entry, b"".join(scalar_frame(step, value) for step, value in enumerate(values)))
    house.commit()
    written = [event.summary.value[0].simple_value for event in summaries_of(tmp_path / "run")]
    assert str(written) == "[nan, inf, -inf, inf]"


def test_scalars_without_a_step_or_before_step_zero(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path / "run")
    bodies = [(records.SCALAR, "a", step, 1.7e9, 0.5) for step in (None, -3, (1 << 63) - 1)]
    house.feed(entry, b"".join(frame.encode(records.pack(body)) for body in bodies))
    house.commit()
    assert steps_of(tmp_path / "run") == [0, -3, (1 << 63) - 1]
    assert entry.refused == 0


def test_unknown_kinds_are_skipped_and_counted(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path / "run")
    later = frame.encode(records.pack((200, "tag", 1, 1.7e9, [1, 2, 3])))
    house.feed(entry, later + scalar_frame(2))
    house.commit()
    assert entry.unknown == 1
    assert entry.refused == 0
    assert steps_of(tmp_path / "run") == [2]


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("error", [ZeroDivisionError, OSError])
def test_an_encoder_that_fails_costs_the_record_only(
    house: House,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: type[Exception],
    slow: bool,
) -> None:
    """Also if its error is one that a file system may have: it has asked none."""

    def broken(_record: records.Record) -> list[tuple[str, bytes]]:
        raise error("a mistake of ours")

    monkeypatch.setitem(table._ROWS, Kind.TEXT, table._Row(broken, slow=slow))
    entry = house.session(tmp_path / "run")
    house.feed(
        entry, frame.encode(records.encode(Kind.TEXT, "t", 1, 1.7e9, "hello")) + scalar_frame(2)
    )
    house.commit()
    if slow:
        wait_until(lambda: house.woken.is_set(), "the pool is done")
        house.commit()
    assert entry.refused == 1
    assert "a mistake of ours" in str(entry.refusals.last)
    assert steps_of(tmp_path / "run") == [2]
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    "bad",
    [
        b"\0",
        b"\0" * 8,
        b"\xff" * 100,
        scalar_frame(5)[:-1],
        scalar_frame(5)[:-1] + b"\xff",
    ],
)
def test_a_bad_frame_ends_the_session_behind_what_came_before(
    house: House, tmp_path: Path, bad: bytes
) -> None:
    entry = house.session(tmp_path / "run")
    good = scalar_frames(0, 3)
    reason = house.feed(entry, good + bad)
    assert reason is not None
    assert f"byte {len(good)}" in reason
    house.commit()
    assert entry.session.committed == len(good)
    assert steps_of(tmp_path / "run") == [0, 1, 2]
    # It was the server's to reject; the position is what counts here.
    assert entry.session.state is State.LIVE


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_hostile_payloads_never_raise(payload: bytes) -> None:
    house = House(Path("/nowhere"))
    entry = house.session(Path("/proc/version/run"))
    house.pipeline.feed(entry, 0, memoryview(payload))
    house.pipeline.close()


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(1 << 63), (1 << 64) - 1)
        | st.floats()
        | st.text()
        | st.binary(),
        lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    )
)
def test_hostile_records_never_raise(fields: object) -> None:
    house = House(Path("/nowhere"))
    entry = house.session(Path("/proc/version/run"))
    frames = frame.encode(records.pack(fields))
    assert house.pipeline.feed(entry, 0, memoryview(frames)) is None
    assert entry.session.accepted == len(frames)
    house.pipeline.close()


def test_many_sessions_share_one_file(house: House, tmp_path: Path) -> None:
    entries = [house.session(tmp_path / "run") for _ in range(5)]
    for number, entry in enumerate(entries):
        house.feed(entry, scalar_frames(0, 3, tag=f"tag{number}"))
    house.commit()
    assert all(entry.session.uncommitted == 0 for entry in entries)
    assert len(os.listdir(tmp_path / "run")) == 1
    assert len(summaries_of(tmp_path / "run")) == 15


def test_the_next_session_goes_on_in_the_same_file(house: House, tmp_path: Path) -> None:
    for begin in (0, 10):
        entry = house.session(tmp_path / "run")
        house.feed(entry, scalar_frames(begin, begin + 10))
        house.commit()
        entry.session.end(entry.session.accepted)
        house.pipeline.tidy(house.roster)
    assert len(os.listdir(tmp_path / "run")) == 1
    assert steps_of(tmp_path / "run") == list(range(20))


def test_a_suffix_is_a_file_of_its_own(house: House, tmp_path: Path) -> None:
    for suffix in ("", ".eval"):
        house.feed(house.session(tmp_path / "run", suffix=suffix), scalar_frame(1))
    house.commit()
    names = os.listdir(tmp_path / "run")
    assert len(names) == 2
    assert sum(name.endswith(".eval") for name in names) == 1


def test_a_removed_directory_is_made_again(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path / "run")
    house.feed(entry, scalar_frame(1))
    house.commit()
    for name in os.listdir(tmp_path / "run"):
        os.unlink(tmp_path / "run" / name)
    os.rmdir(tmp_path / "run")
    house.feed(entry, scalar_frame(2))
    house.commit()
    assert steps_of(tmp_path / "run") == [2]


@pytest.mark.parametrize(("open_files", "most"), [(3, 3), (100_000, DESCRIPTORS)])
def test_no_more_event_files_are_open_than_may_be(
    tmp_path: Path, open_files: int, most: int
) -> None:
    before = opened("tfevents")
    house = House(tmp_path, open_files=open_files)
    count = most + 5
    entries = [house.session(tmp_path / f"run{number}") for number in range(count)]
    for step in range(2):
        for entry in entries:
            house.feed(entry, scalar_frame(step))
        house.commit()
        assert opened("tfevents") - before == most
    for number in range(count):
        assert steps_of(tmp_path / f"run{number}") == [0, 1]
    house.pipeline.close()


def test_a_second_pipeline_drops_what_the_first_has_written(tmp_path: Path) -> None:
    session = os.urandom(16)
    frames = [scalar_frame(step) for step in range(30)]
    first = House(tmp_path)
    entry = first.session(tmp_path / "run", session=session)
    first.feed(entry, b"".join(frames[:20]))
    first.commit()
    first.pipeline.close()

    second = House(tmp_path)
    position = len(b"".join(frames[:10]))
    again = second.session(tmp_path / "run", session=session, position=position, known=True)
    for step in range(10, 30):
        second.feed(again, frames[step])
        second.commit()
    second.pipeline.close()
    assert again.session.committed == len(b"".join(frames))
    assert steps_of(tmp_path / "run") == list(range(30))


def test_a_session_that_ended_and_comes_back_writes_nothing_twice(
    house: House, tmp_path: Path
) -> None:
    entry = house.session(tmp_path / "run")
    frames = scalar_frames(0, 10)
    house.feed(entry, frames)
    house.commit()
    entry.session.end(entry.session.accepted)
    house.pipeline.tidy(house.roster)

    again = Roster(1 << 28).add(
        hello_of(str(tmp_path / "run"), session=entry.session.name, known=True), entry.path, 0.0
    )
    house.pipeline.feed(again, 0, memoryview(frames + scalar_frame(10)))
    house.commit()
    assert steps_of(tmp_path / "run") == list(range(11))


class Disk:
    """Stands in for os.write of event files: full for the directories it is told."""

    def __init__(self) -> None:
        self.full: set[str] = set()
        self.room = 0

    def write(self, descriptor: int, data: memoryview) -> int:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if any(path.startswith(directory) for directory in self.full):
            if self.room == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            data = data[: self.room]
            self.room -= len(data)
        return os.write(descriptor, data)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()

    class Os:
        write = staticmethod(made.write)

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

    monkeypatch.setattr(event_file, "os", Os())
    return made


def test_a_full_disk_holds_up_those_who_feed_it_and_nobody_else(
    house: House, tmp_path: Path, disk: Disk
) -> None:
    stuck = house.session(tmp_path / "full")
    free = house.session(tmp_path / "free")
    disk.full.add(str(tmp_path / "full"))
    disk.room = 40
    for step in range(3):
        house.feed(stuck, scalar_frame(step))
        house.feed(free, scalar_frame(step))
        house.commit()
    assert free.session.uncommitted == 0
    assert stuck.session.committed == 0
    assert free.trouble is None
    assert "No space left on device" in str(stuck.trouble)
    assert not house.pipeline.drained
    disk.full.clear()
    house.commit(after_s=RETRY_FIRST_S)
    assert stuck.session.uncommitted == 0
    assert stuck.trouble is None
    assert house.pipeline.drained
    assert steps_of(tmp_path / "full") == [0, 1, 2]


def no_memory(*_: object, **__: object) -> int:
    raise MemoryError


@pytest.mark.parametrize("where", ["write", "create", "deliver"])
def test_what_is_no_word_of_a_disk_holds_up_those_who_feed_it_and_nobody_else(
    house: House,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    where: str,
) -> None:
    """A mistake of ours, or no memory: wherever it is met, it is tried again, and said once."""
    entry = house.session(tmp_path / "run")
    if where != "create":
        house.feed(entry, scalar_frames(0, 3))
        house.commit()
    written = entry.session.committed
    with monkeypatch.context() as patch:
        if where == "write":
            patch.setattr(os, "write", no_memory)
        elif where == "create":
            patch.setattr(event_file, "frame", no_memory)
        else:
            patch.setattr(EventFile, "append", no_memory)
        house.feed(entry, scalar_frames(3, 6))
        for _ in range(3):
            house.commit(RETRY_MOST_S)
            assert "internal error: MemoryError()" in (entry.trouble or "")
            assert house.pipeline.deadline is not None
            assert entry.session.committed == written
        assert [each.levelname for each in caplog.records].count("ERROR") == 1
        assert where != "create" or not (tmp_path / "run").exists()
    house.feed(entry, scalar_frames(6, 9))
    house.commit(RETRY_MOST_S)
    house.commit(RETRY_MOST_S)
    assert entry.trouble is None
    assert steps_of(tmp_path / "run") == list(range(3 if where == "create" else 0, 9))
    assert entry.session.committed == entry.session.accepted
    assert house.pipeline.drained


def test_a_thread_that_cannot_be_started_is_trouble_and_tried_again(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [house.session(tmp_path / "known", known=True), house.session(tmp_path / "run")]
    with none_start(monkeypatch):
        for entry in entries:
            with pytest.raises(OSError, match="no thread can be started"):
                house.feed(entry, scalar_frames(0, 3))
            house.commit()
            assert "no thread can be started" in (entry.trouble or "")
            assert entry.session.accepted == 0
    for entry in entries:
        house.feed(entry, scalar_frames(0, 3))
        house.commit(RETRY_FIRST_S)
        assert steps_of(Path(entry.path)) == [0, 1, 2]
        assert (entry.trouble, house.pipeline.drained) == (None, True)


@pytest.mark.parametrize("policy", [Fsync.COMMIT, Fsync.INTERVAL])
def test_a_sync_for_which_there_is_no_thread_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: Fsync
) -> None:
    house = House(tmp_path, fsync=policy)
    entry = house.session(tmp_path / "run")
    # There is one that writes, and no other.
    with none_start(monkeypatch, beyond=1):
        house.feed(entry, scalar_frames(0, 3))
        for _ in range(3):
            house.commit(RETRY_MOST_S)
        assert not house.pipeline.drained
        assert (entry.session.committed > 0) == (policy is Fsync.INTERVAL)

    def is_synced() -> bool:
        house.commit(RETRY_MOST_S)
        return house.pipeline.drained

    wait_until(is_synced, "it is synced")
    assert steps_of(tmp_path / "run") == [0, 1, 2]
    # Nothing was in doubt, so nothing was written anew.
    assert len(os.listdir(tmp_path / "run")) == 1
    house.pipeline.close()


def test_retries_come_at_longer_and_longer_intervals(
    house: House, tmp_path: Path, disk: Disk
) -> None:
    entry = house.session(tmp_path / "full")
    disk.full.add(str(tmp_path / "full"))
    house.feed(entry, scalar_frame(1))
    house.commit()
    waits = []
    for _ in range(6):
        assert house.pipeline.deadline is not None
        waits.append(house.pipeline.deadline - house.now)
        house.commit(after_s=waits[-1])
    assert waits == [RETRY_FIRST_S, 1.0, 2.0, 4.0, RETRY_MOST_S, RETRY_MOST_S]


def test_positions_are_committed_in_order_over_several_files(
    house: House, tmp_path: Path, disk: Disk
) -> None:
    entry = house.session(tmp_path / "run")
    group = frame.encode(records.encode(Kind.SCALAR_GROUP, "g", 1, 1.7e9, {"a": 1.0}))
    disk.full.add(str(tmp_path / "run" / "g"))
    first = scalar_frame(1)
    house.feed(entry, first)
    house.commit()
    house.feed(entry, group)
    house.commit()
    house.feed(entry, scalar_frame(2))
    house.commit()
    # The last frame is in its file, but one before it is not.
    assert steps_of(tmp_path / "run") == [1, 2]
    assert entry.session.committed == len(first)
    disk.full.clear()
    house.commit(after_s=RETRY_FIRST_S)
    assert entry.session.uncommitted == 0


def test_with_fsync_commit_nothing_is_committed_before_it_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    plain = os.fdatasync

    def slow(descriptor: int) -> None:
        assert release.wait(30.0)
        plain(descriptor)

    monkeypatch.setattr(os, "fdatasync", slow)
    house = House(tmp_path, Fsync.COMMIT)
    entry = house.session(tmp_path / "run")
    house.feed(entry, scalar_frames(0, 5))
    house.commit()
    assert steps_of(tmp_path / "run") == list(range(5))
    assert entry.session.committed == 0
    house.feed(entry, scalar_frames(5, 9))
    house.commit()
    release.set()
    while not house.pipeline.drained:
        assert house.woken.wait(30.0)
        house.woken.clear()
        house.commit()
    assert entry.session.uncommitted == 0
    house.pipeline.close()


def test_with_an_interval_the_sync_comes_later_and_nobody_waits_for_it(tmp_path: Path) -> None:
    house = House(tmp_path, Fsync.INTERVAL)
    entry = house.session(tmp_path / "run")
    house.feed(entry, scalar_frame(1))
    house.commit()
    assert entry.session.uncommitted == 0
    assert not house.pipeline.drained
    assert house.pipeline.deadline == house.now + 1.0
    house.commit(after_s=1.0)
    assert house.woken.wait(30.0)
    house.commit()
    assert house.pipeline.drained
    house.pipeline.close()


def test_a_sync_that_fails_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [OSError(errno.EIO, os.strerror(errno.EIO))]
    plain = os.fdatasync

    def failing(descriptor: int) -> None:
        if failures:
            raise failures.pop()
        plain(descriptor)

    monkeypatch.setattr(os, "fdatasync", failing)
    house = House(tmp_path, Fsync.COMMIT)
    entry = house.session(tmp_path / "run")
    house.feed(entry, scalar_frame(1))
    house.commit()
    assert house.woken.wait(30.0)
    house.woken.clear()
    house.commit()
    assert entry.session.committed == 0
    assert "Input/output error" in caplog.text
    house.commit(after_s=RETRY_FIRST_S)
    assert house.woken.wait(30.0)
    house.commit()
    assert entry.session.uncommitted == 0
    house.pipeline.close()


def test_a_directory_that_cannot_be_read_is_offered_the_same_frames_again(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = house.session(tmp_path / "run", known=True)

    def unreadable(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(tmp_path / "run"))

    with monkeypatch.context() as patch:
        patch.setattr("tbxd.sinks.run_directory.resume", unreadable)
        with pytest.raises(OSError, match="Input/output error"):
            house.feed(entry, scalar_frame(1))
    house.commit()
    assert entry.session.accepted == 0
    assert "Input/output error" in str(entry.trouble)
    house.feed(entry, scalar_frame(1))
    house.commit()
    assert entry.trouble is None
    assert steps_of(tmp_path / "run") == [1]


def test_a_sub_run_that_cannot_be_read_stops_in_front_of_its_record(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = house.session(tmp_path / "run", known=True)
    group = frame.encode(records.encode(Kind.SCALAR_GROUP, "g", 1, 1.7e9, {"a": 1.0, "b": 2.0}))
    frames = scalar_frame(1) + group + scalar_frame(2)

    def resume(directory: str, _sessions: object) -> dict[bytes, Any]:
        if directory.endswith("/b"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), directory)
        return {}

    with monkeypatch.context() as patch:
        patch.setattr("tbxd.sinks.run_directory.resume", resume)
        with pytest.raises(OSError, match="Input/output error"):
            house.feed(entry, frames)
    house.commit()
    assert entry.session.accepted == entry.session.committed == len(scalar_frame(1))
    assert steps_of(tmp_path / "run" / "g" / "a") == []
    house.feed(entry, frames[entry.session.accepted :])
    house.commit()
    assert steps_of(tmp_path / "run") == [1, 2]
    assert steps_of(tmp_path / "run" / "g" / "a") == [1]
    assert steps_of(tmp_path / "run" / "g" / "b") == [1]


def test_a_gap_at_the_end_is_committed_with_what_came_before(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path / "run")
    house.feed(entry, scalar_frame(1))
    entry.session.skip(5000)
    house.commit()
    assert entry.session.committed == 5000


def test_many_questions_to_a_slow_disk_hold_nobody_up_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One record has 100 directories, and the disk takes 20 ms to say what is where each is to be.

    It answers well in time, each time; all together that are two seconds.
    """
    look = RunDirectory._look_for_obstacle

    def look_slowly(directory: RunDirectory) -> str | None:
        time.sleep(0.02)
        return look(directory)

    monkeypatch.setattr(RunDirectory, "_look_for_obstacle", look_slowly)
    woken = threading.Event()
    config = Config(str(tmp_path), fsync=Fsync.NEVER, notes=False)
    pipeline = Pipeline(config, woken.set, patience_s=0.05)
    hello = hello_of(str(tmp_path / "run"))
    entry = Roster(256 << 20).add(hello, pipeline.author_directory(hello), 1000.0)
    group = frame_of(Kind.SCALAR_GROUP, "group", {f"{number}": 1.0 for number in range(100)})
    longest_s = 0.0
    while not entry.session.accepted:
        began = time.monotonic()
        with contextlib.suppress(Blocked):
            pipeline.feed(entry, 0, memoryview(group))
        longest_s = max(longest_s, time.monotonic() - began)
        pipeline.commit(1000.0)
        if not entry.session.accepted:
            assert woken.wait(30.0), "nobody wakes the loop"
            woken.clear()
    assert longest_s < 1.0
    while not pipeline.drained:
        assert woken.wait(30.0), "nobody wakes the loop"
        woken.clear()
        pipeline.commit(1000.0)
    pipeline.close()
    assert len(list((tmp_path / "run").glob("group/*/*tfevents*"))) == 100
