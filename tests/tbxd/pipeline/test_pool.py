"""Records that are encoded beside the intake: who waits for them, and who does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from unittest.mock import patch

import pytest

from tbxd.config import Config, Fsync
from tbxd.encode import encode
from tbxd.encode.table import SLOW_FROM_BYTES
from tbxd.format.projection import Projection
from tbxd.intake.entry import Entry
from tbxd.intake.roster import Roster
from tbxd.pipeline import Pipeline, pool
from tbxd.pipeline.pool import LOOK_AHEAD, Encoded, Events, Pool
from tbxd.pipeline.stream import AGAIN_S
from tbxd.reading.events import events_of
from tbxd.threads import NoThread
from tbxd_wire import frame, records
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind
from tbxd_wire.records import Record
from tests.tbxd.hellos import hello_of, scalar_frame, scalar_frames
from tests.tbxd.threads import none_start
from tests.waiting import wait_until

SLOW_TEXT = "x" * SLOW_FROM_BYTES


FILES = Projection("tag", 1, (1, 1), {"tensors.tsv": b"1"}, None)


def slow_frame(step: int) -> bytes:
    return frame.encode(records.encode(Kind.TEXT, "slow", step, 1.7e9, SLOW_TEXT))


class ByHand(Pool):
    """Records are encoded, and files put in place, when a test says so."""

    def __init__(self) -> None:
        self.owed: list[tuple[Future[Encoded], Record]] = []
        self.to_place: list[tuple[str, Projection, Future[None]]] = []

    def encode(self, record: Record) -> Future[Encoded]:
        future: Future[Encoded] = Future()
        self.owed.append((future, record))
        return future

    def place(self, entry: Entry, files: Projection) -> Future[None]:
        future: Future[None] = Future()
        self.to_place.append((entry.path, files, future))
        return future

    def pay(self, error: Exception | None = None, beside: Projection | None = None) -> None:
        """Be done with the oldest record."""
        future, record = self.owed.pop(0)
        if error is None:
            future.set_result(Encoded(encode(record), beside))
        else:
            future.set_exception(error)

    def put(self, error: OSError | None = None) -> None:
        """Be done with the oldest files."""
        future = self.to_place.pop(0)[2]
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    def close(self) -> None:
        """There is nothing to end."""


class House:
    """A pipeline with a pool by hand, and a clock that only moves when told to."""

    def __init__(self, directory: Path) -> None:
        self.roster = Roster(256 << 20)
        self.pipeline = Pipeline(
            Config(str(directory), fsync=Fsync.NEVER, notes=False), lambda: None, patience_s=60.0
        )
        self.pool = ByHand()
        self.pipeline._pool = self.pool
        self.pipeline._directories.place = self.pool.place  # type: ignore[method-assign]
        self.now = 1000.0

    def session(self, run: Path) -> Entry:
        hello = hello_of(str(run))
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


def test_a_slow_record_holds_back_its_own_stream_alone(house: House, tmp_path: Path) -> None:
    slow, quick = house.session(tmp_path / "slow"), house.session(tmp_path / "quick")
    before, behind = scalar_frames(0, 3), scalar_frames(4, 6)
    house.feed(slow, before + slow_frame(3) + behind)
    house.feed(quick, scalar_frames(0, 6))
    house.commit()
    assert steps_of(tmp_path / "quick") == list(range(6))
    assert quick.session.committed == quick.session.accepted
    assert steps_of(tmp_path / "slow") == [0, 1, 2], "what came before it need not wait"
    assert slow.session.committed == len(before)
    assert not house.pipeline.drained
    house.feed(slow, scalar_frame(6))
    house.commit()
    assert slow.session.committed == len(before)
    assert slow.records == 7
    house.pool.pay()
    house.commit()
    assert steps_of(tmp_path / "slow") == list(range(7))
    assert slow.session.committed == slow.session.accepted
    assert house.pipeline.drained


def test_the_second_is_not_before_the_first(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path)
    house.feed(entry, slow_frame(1) + slow_frame(2))
    first = house.pool.owed.pop(0)
    house.pool.pay()
    house.commit()
    assert steps_of(tmp_path) == []
    house.pool.owed.append(first)
    house.pool.pay()
    house.commit()
    assert steps_of(tmp_path) == [1, 2]


def test_a_stream_has_only_so_many_records_in_the_pool(house: House, tmp_path: Path) -> None:
    """What they become is bounded by it, and nobody else stands behind all of them."""
    entry = house.session(tmp_path)
    steps = range(1, 2 * LOOK_AHEAD + 2)
    house.feed(entry, b"".join(map(slow_frame, steps)))
    assert len(house.pool.owed) == LOOK_AHEAD
    # That they are done is no room for others: it is what they have become that takes the memory.
    last = house.pool.owed[1:]
    del house.pool.owed[1:]
    first = house.pool.owed.pop()
    for each in last:
        house.pool.owed.append(each)
        house.pool.pay()
    house.commit()
    assert house.pool.owed == []
    house.pool.owed.append(first)
    house.pool.pay()
    house.commit()
    assert len(house.pool.owed) == LOOK_AHEAD
    while house.pool.owed:
        house.pool.pay()
        house.commit()
    assert steps_of(tmp_path) == list(steps)
    assert house.pipeline.drained


def test_files_do_not_wait_for_what_comes_behind_them(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path)
    house.feed(entry, b"".join(map(slow_frame, range(1, 100))))
    house.pool.pay(beside=FILES)
    house.commit()
    assert len(house.pool.to_place) == 1
    assert len(house.pool.owed) == LOOK_AHEAD - 1


def test_nothing_is_acknowledged_while_all_waits(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path)
    house.feed(entry, slow_frame(1))
    house.commit()
    assert not entry.session.ack_due
    house.pool.pay()
    house.commit()
    assert entry.session.ack_due


@pytest.mark.parametrize(
    ("error", "reason"),
    [(RecordError("no such picture"), "no such picture"), (ZeroDivisionError("x"), "internal")],
)
def test_what_cannot_be_encoded_is_refused_and_the_rest_goes_on(
    house: House, tmp_path: Path, error: Exception, reason: str
) -> None:
    entry = house.session(tmp_path)
    house.feed(entry, slow_frame(1) + scalar_frame(2))
    house.pool.pay(error)
    house.commit()
    assert steps_of(tmp_path) == [2]
    assert (entry.refused, entry.records) == (1, 2)
    assert reason in (entry.refusals.last or "")
    assert entry.session.committed == entry.session.accepted


def test_a_disk_that_refuses_is_asked_again(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path)
    house.feed(entry, slow_frame(1) + scalar_frame(2))
    house.pool.pay(beside=FILES)
    house.commit()
    assert house.pool.to_place[0][:2] == (str(tmp_path), FILES)
    house.pool.put(OSError(28, "No space left on device", "/run/sprite.png"))
    house.commit()
    assert entry.trouble == "No space left on device: /run/sprite.png"
    assert house.pool.to_place == []
    assert house.pipeline.deadline == house.now + AGAIN_S
    house.commit(AGAIN_S / 2)
    assert house.pool.to_place == []
    house.commit(AGAIN_S / 2)
    assert entry.session.committed == 0
    house.pool.put()
    house.commit()
    assert steps_of(tmp_path) == [1, 2]
    assert entry.trouble is None
    assert entry.refused == 0
    assert house.pipeline.deadline is None


def test_files_are_placed_in_the_order_of_the_stream(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path)
    house.feed(entry, slow_frame(1) + slow_frame(2))
    later = house.pool.owed.pop()
    house.pool.owed.insert(0, later)
    house.pool.pay(beside=FILES)
    house.commit()
    assert house.pool.to_place == [], "the first one is not even encoded"
    house.pool.pay(beside=FILES)
    house.commit()
    assert len(house.pool.to_place) == 1
    house.pool.put()
    house.commit()
    assert steps_of(tmp_path) == [1]
    house.pool.put()
    house.commit()
    assert steps_of(tmp_path) == [1, 2]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NotADirectoryError(20, "Not a directory", "/run/00001"), "Not a directory: /run/00001"),
        (OSError(27, "File too large", "/run"), "File too large: /run"),
    ],
)
def test_what_stands_in_the_way_of_files_refuses_the_record(
    house: House, tmp_path: Path, error: OSError, reason: str
) -> None:
    entry = house.session(tmp_path)
    house.feed(entry, slow_frame(1) + scalar_frame(2))
    house.pool.pay(beside=FILES)
    house.commit()
    house.pool.put(error)
    house.commit()
    # What it has in the event file counts, for a daemon that meets it again.
    assert steps_of(tmp_path) == [1, 2]
    assert (entry.refused, entry.refusals.last) == (1, reason)


def test_a_gap_behind_a_slow_record_is_committed_with_it(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path)
    house.feed(entry, slow_frame(1))
    end = entry.session.accepted
    entry.session.skip(end + 1000)
    house.commit()
    assert entry.session.committed == 0
    house.pool.pay()
    house.commit()
    house.commit()
    assert entry.session.committed == end + 1000


def test_a_session_that_broke_off_still_gets_what_is_owed(house: House, tmp_path: Path) -> None:
    entry = house.session(tmp_path)
    reason = house.feed(entry, slow_frame(1) + b"rubbish that is no frame")
    assert reason is not None
    entry.session.reject(reason)
    house.pool.pay()
    house.commit()
    assert steps_of(tmp_path) == [1]


def test_the_threads_encode_and_wake(tmp_path: Path) -> None:
    woken = threading.Event()
    pipeline = Pipeline(
        Config(str(tmp_path), fsync=Fsync.NEVER, notes=False), woken.set, patience_s=60.0
    )
    roster = Roster(256 << 20)
    hello = hello_of(str(tmp_path))
    entry = roster.add(hello, pipeline.author_directory(hello), 0.0)
    pipeline.feed(entry, 0, memoryview(slow_frame(1) + scalar_frame(2)))
    assert woken.wait(10)
    pipeline.commit(0.0)
    assert steps_of(tmp_path) == [1, 2]
    pipeline.close()


def test_several_are_encoded_at_once() -> None:
    together = threading.Barrier(pool._THREADS)
    done: list[None] = []

    def encode_together(record: Record) -> Events:
        together.wait(10)
        return [("", b"event")]

    with patch.object(pool, "encode", encode_together):
        made = Pool(lambda: done.append(None))
        record: Record = [int(Kind.TEXT), "t", 1, 1.5, "x"]
        futures = [made.encode(record) for _ in range(pool._THREADS)]
        expected = Encoded([("", b"event")])
        assert [future.result(10) for future in futures] == [expected] * pool._THREADS
        wait_until(lambda: len(done) == pool._THREADS, "each has woken the loop")
        made.close()


@pytest.fixture
def made() -> Iterator[Pool]:
    made = Pool(lambda: None)
    yield made
    made.close()


def test_as_many_threads_as_there_can_be(made: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    record: Record = [int(Kind.TEXT), "t", 1, 1.5, "x"]
    expected = Encoded(encode(record))
    with none_start(monkeypatch), pytest.raises(NoThread):
        made.encode(record)
    with none_start(monkeypatch, beyond=1):
        assert [made.encode(record).result(10) for _ in range(3)] == [expected] * 3
    assert len(made._threads) == 1
    assert made.encode(record).result(10) == expected
    assert len(made._threads) == pool._THREADS


def test_a_record_waits_for_a_thread(
    house: House, made: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no fault of the record, and so no reason to refuse it."""
    house.pipeline._pool = made
    entry, other = house.session(tmp_path / "slow"), house.session(tmp_path / "quick")
    house.feed(other, scalar_frame(1))
    house.commit()
    with none_start(monkeypatch):
        house.feed(entry, slow_frame(1) + slow_frame(2) + scalar_frame(3))
        house.feed(other, scalar_frame(2))
        house.commit()
        assert steps_of(tmp_path / "quick") == [1, 2]
        assert "no thread can be started" in (entry.trouble or "")
        assert house.pipeline.deadline == house.now + AGAIN_S
        house.commit(AGAIN_S)
        assert (entry.session.committed, entry.refused) == (0, 0)

    def is_written() -> bool:
        house.commit(AGAIN_S)
        return house.pipeline.drained

    wait_until(is_written, "it is written")
    assert steps_of(tmp_path / "slow") == [1, 2, 3]
    assert (entry.trouble, entry.refused) == (None, 0)
