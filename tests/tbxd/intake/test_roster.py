"""Who is there, what is shown of them, and how long the ended are remembered."""

from __future__ import annotations

import json

import pytest

from tbxd.intake.entry import Entry
from tbxd.intake.grants import window
from tbxd.intake.roster import ENDED_KEPT, Roster
from tbxd_wire.limits import MIB, WINDOW_BYTES
from tests.tbxd.hellos import hello_of

LIMIT = 256 * MIB


def roster_of(count: int) -> tuple[Roster, list[Entry]]:
    roster = Roster(LIMIT)
    return roster, [roster.add(hello_of(), f"/runs/{number}", 0.0) for number in range(count)]


def test_a_session_is_found_by_its_name() -> None:
    roster = Roster(LIMIT)
    hello = hello_of()
    entry = roster.add(hello, "/runs/one", 0.0)
    assert roster.find(hello.session) is entry
    assert roster.find(bytes(16)) is None
    assert list(roster) == [entry]
    assert len(roster) == 1


def test_idle_sessions_are_told_when_their_share_halves() -> None:
    roster, entries = roster_of(32)
    for entry in entries:
        entry.peer = b"peer"
        entry.session.acknowledge(WINDOW_BYTES)
    roster.shrink()
    assert not any(entry.session.ack_due for entry in entries)
    roster.add(hello_of(), "/runs/more", 0.0)
    busy = entries[0]
    busy.session.accept(10)
    roster.shrink()
    assert roster.window == WINDOW_BYTES // 2
    assert not busy.session.ack_due
    assert all(entry.session.ack_due for entry in entries[1:])
    for entry in entries[1:]:
        assert entry.session.acknowledge(roster.window).limit == WINDOW_BYTES // 2
    roster.shrink()
    assert not any(entry.session.ack_due for entry in entries)


class Counting(Roster):
    """Counts how often all of its sessions are looked at."""

    counted = 0

    def shrink(self) -> None:
        self.counted += 1
        super().shrink()


def test_room_is_made_for_thousands_without_counting_them_each_time() -> None:
    roster = Counting(LIMIT)
    for number in range(1, 5001):
        roster.add(hello_of(), "/runs/many", 0.0)
        roster.make_room()
        assert roster.window == window(LIMIT, number)
    assert roster.counted == 8  # From 8 MiB to 64 KiB, and then to a single byte.


def test_who_ended_takes_no_room() -> None:
    roster, entries = roster_of(64)
    for entry in entries[1:]:
        entry.session.end(0)
    roster.make_room()
    assert roster.window == WINDOW_BYTES


def test_ended_sessions_leave_their_share_to_the_others() -> None:
    roster, entries = roster_of(64)
    roster.shrink()
    small = roster.window
    for entry in entries[:32]:
        entry.session.end(0)
    roster.shrink()
    assert roster.window == 2 * small


def test_it_is_busy_while_anything_may_come_or_is_to_be_written() -> None:
    roster, (first, second) = roster_of(2)
    assert roster.busy
    first.session.end(0)
    assert roster.busy
    second.session.accept(10)
    second.session.end(10)
    second.session.die()
    assert roster.busy
    second.session.commit(10)
    assert not roster.busy


def test_of_many_that_work_it_looks_at_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon asks in every round, however many sessions it has."""
    roster, _ = roster_of(1000)
    looked_at = []

    def working(entry: Entry) -> bool:
        looked_at.append(entry)
        return True

    monkeypatch.setattr(Entry, "working", property(working))
    assert roster.busy
    assert len(looked_at) == 1


@pytest.mark.parametrize("ending", ["closed", "died", "rejected"])
def test_the_ended_are_remembered_for_a_while(ending: str) -> None:
    roster, entries = roster_of(ENDED_KEPT + 3)
    alive = entries[0]
    for entry in entries[1:]:
        if ending == "closed":
            entry.session.end(0)
        elif ending == "died":
            entry.session.die()
        else:
            entry.session.reject("a bad frame")
    roster.tidy()
    assert len(roster) == ENDED_KEPT + 1
    assert roster.find(alive.session.name) is alive
    assert roster.find(entries[1].session.name) is None
    assert roster.find(entries[2].session.name) is None
    assert roster.find(entries[3].session.name) is entries[3]
    roster.tidy()
    assert len(roster) == ENDED_KEPT + 1


def test_one_that_lives_again_is_not_forgotten() -> None:
    roster, entries = roster_of(ENDED_KEPT + 1)
    for entry in entries[:-1]:
        entry.session.end(0)
    roster.tidy()
    revived = entries[0]
    revived.session.welcome(hello_of(session=revived.session.name), 1)
    entries[-1].session.end(0)
    roster.tidy()
    assert roster.find(revived.session.name) is revived


def test_a_dead_session_works_until_all_is_committed() -> None:
    _, (entry,) = roster_of(1)
    entry.session.accept(10)
    entry.session.die()
    assert entry.working
    entry.session.commit(10)
    assert not entry.working
    entry.recovering = True
    assert entry.working


def test_a_rate_is_that_of_the_last_seconds() -> None:
    _, (entry,) = roster_of(1)
    for second in range(1, 11):
        entry.records += 1000
        entry.sample(float(second))
    assert entry.rate(10.0) == pytest.approx(1000.0)
    # Nothing for a long time: the samples are too old to speak of now.
    assert entry.rate(100.0) == 0.0


def test_samples_are_taken_once_per_second() -> None:
    _, (entry,) = roster_of(1)
    for tick in range(100):
        entry.sample(tick * 0.01)
    assert len(entry.samples) == 1


def test_lag_is_the_age_of_the_newest_record_while_more_waits() -> None:
    _, (entry,) = roster_of(1)
    entry.met, entry.age_s = 100.0, 20.0
    assert entry.lag_s(130.0, 1.7e9 + 50) == 0.0
    entry.waiting = 100
    # Nothing is written yet: as old as the session.
    assert entry.lag_s(130.0, 1.7e9 + 50) == 50.0
    entry.committed_wall_time = 1.7e9 + 48
    assert entry.lag_s(130.0, 1.7e9 + 50) == 2.0
    # A clock that was set back is no negative lag, one that was set forward none of an hour.
    assert entry.lag_s(130.0, 1.7e9) == 0.0
    assert entry.lag_s(130.0, 1.7e9 + 3600) == 50.0
    # Nor is a wall time of the caller's own.
    entry.committed_wall_time = -1e300
    assert entry.lag_s(130.0, 1.7e9) == 50.0


def test_lag_of_a_session_that_another_daemon_has_written_before() -> None:
    """Until something of it is written here, nobody knows how old what waits is."""
    roster = Roster(1 << 28)
    entry = roster.add(hello_of("/run", known=True), "/run", 100.0, age_s=1e6)
    entry.waiting = 100
    assert entry.lag_s(101.0, 1.7e9) == 1.0
    entry.committed_wall_time = 1.7e9 - 3600
    assert entry.lag_s(102.0, 1.7e9) == 3600.0


def test_the_rate_of_the_first_moment_is_none_of_a_second() -> None:
    _, (entry,) = roster_of(1)
    entry.records = 14
    assert entry.rate(4e-6) == 14.0


def test_the_facts_are_json_and_name_everything() -> None:
    roster, (entry,) = roster_of(1)
    entry.session.accept(100)
    entry.records = 7
    entry.trouble = "No space left on device: /runs/0"
    (facts,) = json.loads(json.dumps(roster.facts(1.0, 1.7e9)))
    assert facts["state"] == "live"
    assert facts["run"] == "/runs/one"
    assert facts["records"] == 7
    assert (facts["position"], facts["committed"], facts["pending_bytes"]) == (100, 0, 100)
    assert facts["trouble"] == entry.trouble
    entry.session.reject("a bad frame")
    assert roster.facts(1.0, 1.7e9)[0]["trouble"] == "a bad frame"


def test_totals_count_the_forgotten_too() -> None:
    roster, entries = roster_of(ENDED_KEPT + 50)
    for number, entry in enumerate(entries):
        entry.records, entry.shed, entry.refused, entry.unknown = 10, 1, 2, 3
        entry.refusals.count(f"reason {number % 2}", 5)
        entry.session.skip(7)
        entry.session.end(7)
    roster.tidy()
    assert len(roster) == ENDED_KEPT
    for _ in range(2):
        facts = roster.totals().facts()
        count = len(entries)
        assert facts["sessions"] == count
        assert facts["records"] == 10 * count
        assert (facts["shed"], facts["refused"], facts["unknown"]) == (count, 2 * count, 3 * count)
        assert facts["gap_bytes"] == 7 * count
        assert facts["refused_by_reason"] == {"reason 0": 5 * 125, "reason 1": 5 * 125}
    assert json.dumps(facts)
