"""Where a run lies: nothing is written before that is known, and no thread is kept for nothing."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tbxd.config import Config, Fsync
from tbxd.intake.entry import Entry
from tbxd.intake.roster import Roster
from tbxd.pipeline import Pipeline
from tbxd.reading.events import events_of
from tbxd.sinks import disks as disks_module
from tbxd.sinks.lane import Blocked
from tbxd.sinks.way import first_link
from tests.crash import disks
from tests.tbxd.hellos import hello_of, scalar_frames
from tests.waiting import wait_until

FRAMES = scalar_frames(0, 3)


class House:
    """A pipeline as a daemon has it, which does not wait for long."""

    def __init__(self, directory: Path) -> None:
        self.woken = threading.Event()
        self.roster = Roster(256 << 20)
        config = Config(str(directory), fsync=Fsync.NEVER)
        self.pipeline = Pipeline(config, self.woken.set, patience_s=0.02)

    def session(self, run: Path) -> Entry:
        hello = hello_of(str(run))
        return self.roster.add(hello, self.pipeline.author_directory(hello), 1000.0)

    def is_fed(self, entry: Entry) -> bool:
        with contextlib.suppress(Blocked):
            self.pipeline.feed(entry, entry.session.accepted, memoryview(FRAMES))
        return entry.session.accepted > 0

    def is_drained(self) -> bool:
        self.pipeline.commit(1000.0)
        return self.pipeline.drained

    def log(self, entry: Entry) -> None:
        wait_until(lambda: self.is_fed(entry), "it is taken over")
        wait_until(self.is_drained, "it is written")

    def end(self, entry: Entry) -> None:
        entry.session.end(entry.session.accepted)
        self.look_around()
        wait_until(self.is_drained, "its end is written")
        self.look_around()

    def look_around(self) -> None:
        """What the server does every second."""
        self.pipeline.tidy(self.roster)
        self.roster.tidy()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.pipeline.close()


def tags_in(run: Path) -> list[str]:
    return [value.tag for event in events_of(str(run)) for value in event.summary.value]


def test_nothing_is_written_before_it_is_known_where(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()

    def slow(piece: list[str]) -> tuple[int, str] | None:
        gate.wait()
        return first_link(piece)

    monkeypatch.setattr(disks_module, "first_link", slow)
    entry = house.session(tmp_path / "run")
    for _ in range(2):
        with pytest.raises(Blocked):
            house.pipeline.feed(entry, 0, memoryview(FRAMES))
        assert house.pipeline.holds_up(entry)
    assert entry.session.accepted == 0
    house.woken.clear()
    gate.set()
    assert house.woken.wait(10.0)
    wait_until(lambda: not house.pipeline.holds_up(entry), "it is known")
    house.log(entry)
    assert entry.session.uncommitted == 0
    # That it was held up is no reason not to say that it has begun.
    assert sorted(tags_in(tmp_path / "run")) == ["loss", "loss", "loss", "tbxd/lifecycle"]


def test_the_threads_of_what_was_unmounted_end(house: House, tmp_path: Path) -> None:
    disks.need("mount")
    house.log(house.session(tmp_path / "other"))
    before = set(threading.enumerate())
    with disks.mounted(tmp_path / "job", "-t", "tmpfs", "tmpfs") as job:
        ended, stays = house.session(job / "ended"), house.session(job / "stays")
        house.log(ended)
        house.log(stays)
        house.end(ended)
        threads = set(threading.enumerate()) - before
    assert threads
    house.look_around()
    assert all(each.is_alive() for each in threads)
    house.end(stays)
    wait_until(lambda: not any(each.is_alive() for each in threads), "they have ended")


def test_who_comes_later_is_written_where_the_path_leads_then(house: House, tmp_path: Path) -> None:
    disks.need("mount")
    run = tmp_path / "jobs" / "run"
    first = house.session(run)
    house.log(first)
    house.end(first)
    with disks.mounted(tmp_path / "away", "-t", "tmpfs", "tmpfs") as away:
        (tmp_path / "jobs").rename(tmp_path / "before")
        (tmp_path / "jobs").symlink_to(away)
        second = house.session(run)
        house.log(second)
        house.end(second)
        assert "loss" in tags_in(away / "run")
