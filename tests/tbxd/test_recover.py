"""Journals of dead processes become event files, whatever state they are in."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tbxd.intake.session import State
from tbxd.recover import SILENT_S, STALE_FRESH_S
from tbxd.sinks.creation import create
from tbxd_wire import frame
from tbxd_wire.messages import Reject

from .hellos import scalar_frame, scalar_frames
from .journals import spoil, write_segment
from .opened import opened
from .test_salvage import HOLDER
from .wards import Ward


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = Ward(tmp_path)
    yield made
    made.close()


def test_a_dead_journal_is_written_and_deleted(ward: Ward) -> None:
    hello = ward.hello(role="rank1")
    write_segment(ward.journals, hello, 0, 0, scalar_frames(0, 50), shed=3)
    ward.scan()
    assert ward.recovery.journals_waiting == 1
    assert ward.recovery.busy
    entry = ward.entry(hello)
    assert entry.recovering
    assert entry.pending_bytes == len(scalar_frames(0, 50))
    ward.work_off()
    assert ward.steps("rank1") == list(range(50))
    assert ward.files() == []
    assert entry.session.state is State.DIED
    assert not entry.working
    assert entry.pending_bytes == 0
    assert entry.shed == 3
    assert entry.last_step == 49
    assert not ward.recovery.busy


def test_a_writer_that_was_closed_is_closed(ward: Ward) -> None:
    hello = ward.hello()
    write_segment(ward.journals, hello, 0, 0, scalar_frames(0, 5), ended=True)
    ward.recovery.scan(0.0)
    assert ward.entry(hello).recovering
    assert ward.entry(hello).session.state is not State.DIED
    ward.work_off()
    assert ward.entry(hello).session.state is State.CLOSED


def test_what_was_released_is_not_read_again(ward: Ward) -> None:
    hello = ward.hello()
    released = len(scalar_frames(0, 20))
    write_segment(ward.journals, hello, 0, 0, scalar_frames(0, 50), released=released, known=True)
    ward.work_off()
    assert ward.steps() == list(range(20, 50))


def test_what_older_files_hold_is_not_written_again(ward: Ward) -> None:
    hello = ward.hello()
    entry = ward.roster.add(hello, ward.pipeline.author_directory(hello), 0.0)
    ward.pipeline.feed(entry, 0, memoryview(scalar_frames(0, 30)))
    ward.pipeline.commit(0.0)
    ward.close()

    after = Ward(ward.directory)
    write_segment(after.journals, hello, 0, 0, scalar_frames(0, 50), known=True)
    after.work_off()
    assert after.steps() == list(range(50))
    after.close()


def test_a_known_session_goes_on_where_it_stands(ward: Ward) -> None:
    hello = ward.hello()
    entry = ward.roster.add(hello, ward.pipeline.author_directory(hello), 0.0)
    ward.pipeline.feed(entry, 0, memoryview(scalar_frames(0, 30)))
    ward.pipeline.commit(0.0)
    write_segment(ward.journals, hello, 0, 0, scalar_frames(0, 50), known=True)
    ward.work_off()
    assert ward.steps() == list(range(50))
    assert len(os.listdir(ward.runs)) == 1
    assert entry.session.state is State.DIED


def test_messages_that_arrive_late_do_not_disturb(ward: Ward) -> None:
    hello = ward.hello()
    entry = ward.roster.add(hello, ward.pipeline.author_directory(hello), 0.0)
    frames = scalar_frames(0, 60_000)
    write_segment(ward.journals, hello, 0, 0, frames, known=True)
    ward.scan()
    ward.turn()
    position = entry.session.accepted
    assert 0 < position < len(frames)
    late = len(scalar_frames(0, 40_000))
    ward.pipeline.feed(entry, position, memoryview(frames)[position:late])
    ward.work_off()
    assert ward.steps() == list(range(60_000))


def test_chunks_wait_for_one_another(ward: Ward) -> None:
    hello = ward.hello()
    write_segment(ward.journals, hello, 0, 0, scalar_frames(0, 60_000))
    ward.scan()
    session = ward.entry(hello).session
    assert ward.recovery.step(ward.now)
    reached = session.accepted
    assert not ward.recovery.step(ward.now)
    assert session.accepted == reached
    ward.pipeline.commit(ward.now)
    assert ward.recovery.step(ward.now)
    assert session.accepted > reached


def test_many_journals_with_many_segments(ward: Ward) -> None:
    hellos = [ward.hello(role=f"rank{number}") for number in range(100)]
    for hello in hellos:
        position = 0
        for slot in range(3):
            frames = scalar_frames(10 * slot, 10 * slot + 10)
            write_segment(ward.journals, hello, slot, position, frames)
            position += len(frames)
    before = len(os.listdir("/proc/self/fd"))
    ward.scan()
    assert len(os.listdir("/proc/self/fd")) - before <= 64
    ward.work_off()
    assert ward.files() == []
    for number in range(100):
        assert ward.steps(f"rank{number}") == list(range(30))


def test_a_lost_segment_is_a_gap_and_the_rest_is_written(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    hello = ward.hello()
    first, lost, last = (scalar_frames(10 * n, 10 * n + 10) for n in range(3))
    write_segment(ward.journals, hello, 0, 0, first)
    write_segment(ward.journals, hello, 2, len(first) + len(lost), last)
    ward.work_off()
    assert ward.steps() == [*range(10), *range(20, 30)]
    assert ward.entry(hello).session.gap_bytes == len(lost)
    assert "gap" in caplog.text
    assert ward.files() == []


def test_a_damaged_frame_costs_what_follows_in_its_segment(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    hello = ward.hello()
    first, last = scalar_frames(0, 10), scalar_frames(10, 20)
    good = len(scalar_frames(0, 6))
    bad = write_segment(ward.journals, hello, 0, 0, first)
    spoil(bad, good + frame.HEADER_BYTES + 2)
    write_segment(ward.journals, hello, 1, len(first), last)
    ward.work_off()
    assert ward.steps() == [*range(6), *range(10, 20)]
    assert ward.entry(hello).session.gap_bytes == len(first) - good
    assert ward.files() == [f"{bad.name}.damaged"]
    assert "damaged" in caplog.text
    assert not ward.recovery.busy


def test_damage_at_the_end(ward: Ward) -> None:
    hello = ward.hello()
    frames = scalar_frames(0, 10)
    bad = write_segment(ward.journals, hello, 0, 0, frames)
    spoil(bad, len(frames) - 1)
    ward.work_off()
    assert ward.steps() == list(range(9))
    entry = ward.entry(hello)
    assert entry.session.gap_bytes > 0
    assert not entry.working
    assert ward.files() == [f"{bad.name}.damaged"]


def test_a_position_inside_a_frame_takes_nothing_and_keeps_the_file(ward: Ward) -> None:
    hello = ward.hello()
    path = write_segment(ward.journals, hello, 0, 0, scalar_frames(0, 10), released=5)
    ward.work_off()
    assert ward.steps() == []
    assert ward.files() == [f"{path.name}.damaged"]
    assert not ward.recovery.busy


def test_the_journal_of_a_rejected_session_is_read(ward: Ward) -> None:
    hello = ward.hello()
    entry = ward.roster.add(hello, ward.pipeline.author_directory(hello), 0.0)
    entry.session.reject("a bad frame on the socket")
    write_segment(ward.journals, hello, 0, 0, scalar_frames(0, 5))
    ward.work_off()
    assert ward.steps() == list(range(5))
    assert entry.session.state is State.DIED


@pytest.mark.parametrize(
    "fields", [{"role": "../elsewhere"}, {"oldest": 7, "newest": 9}, {"suffix": "a/b"}]
)
def test_what_this_daemon_cannot_serve_is_left_alone_and_said_once(
    ward: Ward, fields: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    hello = ward.hello(**fields)
    path = write_segment(ward.journals, hello, 0, 0, scalar_frames(0, 5))
    for _ in range(3):
        ward.scan()
        ward.turn()
    assert ward.files() == [path.name]
    assert caplog.text.count("left alone") == 1
    assert not ward.recovery.busy


def test_a_session_of_another_protocol_is_left_alone_although_it_said_hello(ward: Ward) -> None:
    hello = ward.hello(oldest=7, newest=9)
    entry = ward.roster.add(hello, ward.pipeline.author_directory(hello), 0.0)
    assert isinstance(entry.session.welcome(hello, 1), Reject)
    path = write_segment(ward.journals, hello, 0, 0, scalar_frames(0, 5))
    for _ in range(3):
        ward.scan()
        ward.turn()
    assert ward.files() == [path.name]
    assert entry.session.state is State.REJECTED
    assert sum(ward.recovery.left_alone.values()) == 1


def test_a_segment_of_another_version_is_left_alone_and_said_once(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_segment(ward.journals, ward.hello(), 0, 0, scalar_frames(0, 5))
    data = bytearray(path.read_bytes())
    data[7] = 2
    path.write_bytes(data)
    for _ in range(3):
        ward.scan()
    assert ward.files() == [path.name]
    assert caplog.text.count("left alone") == 1
    assert not ward.recovery.busy


def test_an_unreadable_journal_is_set_aside(ward: Ward) -> None:
    path = write_segment(ward.journals, ward.hello(), 0, 0, b"")
    path.write_bytes(b"rubbish")
    ward.scan()
    assert ward.files() == [f"{path.name}.damaged"]
    ward.scan()
    assert not ward.recovery.busy


def test_segments_without_slot_0_are_taken_at_the_second_look(ward: Ward) -> None:
    write_segment(ward.journals, ward.hello(), 3, 0, scalar_frames(0, 5))
    ward.scan()
    assert ward.recovery.journals_waiting == 0
    ward.work_off()
    assert ward.steps() == list(range(5))
    assert ward.files() == []


def test_the_living_are_left_alone_and_waited_for(ward: Ward) -> None:
    hello = ward.hello()
    path = write_segment(ward.journals, hello, 0, 0, scalar_frames(0, 5))
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        ward.scan()
        assert ward.recovery.journals_waiting == 0
        assert ward.recovery.busy
        assert ward.roster.find(hello.session) is None
        process.kill()
    ward.work_off()
    assert ward.steps() == list(range(5))


@pytest.mark.parametrize(
    ("accepted", "expected"), [(0, State.CLOSED), (100, State.DIED)], ids=["committed", "not"]
)
def test_a_silent_session_without_a_journal_is_gone(
    ward: Ward, accepted: int, expected: State
) -> None:
    """Only a writer whose records are all committed deletes its journal."""
    hello = ward.hello()
    entry = ward.roster.add(hello, "/runs/one", ward.now)
    entry.session.accept(accepted)
    ward.scan()
    assert entry.session.state is State.LIVE
    ward.recovery.scan(ward.now + SILENT_S + 0.1)
    state: State = entry.session.state
    assert state is expected


def test_no_more_journals_are_open_than_may_be(tmp_path: Path) -> None:
    before = opened(".journal")
    with contextlib.closing(Ward(tmp_path, open_journals=3)) as ward:
        for number in range(10):
            hello = ward.hello(role=f"rank{number}")
            write_segment(ward.journals, hello, 0, 0, scalar_frames(0, 5))
        ward.scan()
        assert opened(".journal") - before == 3
        assert ward.recovery.journals_waiting == 10
        ward.work_off()
        assert ward.files() == []
        assert [ward.steps(f"rank{number}") for number in range(10)] == [list(range(5))] * 10


def test_whose_journals_wait(ward: Ward) -> None:
    """Those that are being read, and those that are not even open yet."""
    for job, count in (("ours", 90), ("theirs", 3), ("", 2)):
        for _ in range(count):
            write_segment(ward.journals, ward.hello(job=job), 0, 0, scalar_frame(1))
    ward.scan()
    assert ward.recovery.journals_waiting == 95
    assert ward.recovery.waiting_by_job() == {"ours": 90, "theirs": 3}
    ward.work_off()
    assert ward.recovery.waiting_by_job() == {}


def test_journals_of_a_disk_that_takes_nothing_keep_no_others_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = opened(".journal")

    def refusing(directory: str, *rest: Any) -> Any:
        if "full" in directory:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return create(directory, *rest)

    with contextlib.closing(Ward(tmp_path, open_journals=3)) as ward:
        for number in range(5):
            hello = ward.hello(role=f"full{number}")
            write_segment(ward.journals, hello, 0, 0, scalar_frames(0, 5))
        with monkeypatch.context() as patch:
            patch.setattr("tbxd.sinks.event_file.create", refusing)
            for _ in range(3):
                ward.scan()
                for _ in range(20):
                    ward.turn()
            assert ward.recovery.journals_waiting == 5
            hello = ward.hello(role="rank")
            path = write_segment(ward.journals, hello, 0, 0, scalar_frames(0, 5))
            for _ in range(3):
                ward.scan()
                for _ in range(20):
                    ward.turn()
                assert opened(".journal") - before <= 3
            assert not path.exists()
            assert ward.steps("rank") == list(range(5))
            assert ward.recovery.journals_waiting == 5
        for _ in range(10):
            ward.now += 60.0
            ward.work_off()
        assert ward.files() == []
        assert [ward.steps(f"full{number}") for number in range(5)] == [list(range(5))] * 5


def test_a_full_disk_keeps_the_journal(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    hello = ward.hello()
    path = write_segment(ward.journals, hello, 0, 0, scalar_frames(0, 5))

    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

        @staticmethod
        def write(_descriptor: int, _data: memoryview) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("tbxd.sinks.event_file.os", Full())
        ward.scan()
        for _ in range(5):
            ward.turn()
        assert ward.files() == [path.name]
        assert "No space" in str(ward.entry(hello).trouble)
        assert ward.recovery.busy
    ward.now += 1.0
    ward.work_off()
    assert ward.steps() == list(range(5))
    assert ward.files() == []


def test_a_directory_that_cannot_be_read_is_tried_again(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_segment(ward.journals, ward.hello(), 0, 0, scalar_frames(0, 5))

    def unreadable(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr("tbxd.sinks.run_directory.resume", unreadable)
        ward.scan()
        ward.turn()
        assert "Input/output error" in caplog.text
    ward.work_off()
    assert ward.steps() == list(range(5))
    assert ward.files() == []


@pytest.mark.parametrize("turns", range(1, 8))
def test_dying_in_the_middle_does_no_harm(tmp_path: Path, turns: int) -> None:
    first = Ward(tmp_path)
    hello = first.hello()
    position = 0
    for slot in range(3):
        frames = scalar_frames(20_000 * slot, 20_000 * slot + 20_000)
        write_segment(first.journals, hello, slot, position, frames)
        position += len(frames)
    first.scan()
    for _ in range(turns):
        first.turn()
    # Killed here: no close, and no commit of what was taken over last.
    first.recovery.step(first.now)
    first.recovery.close()

    second = Ward(tmp_path)
    second.work_off()
    assert second.steps() == list(range(60_000))
    assert second.files() == []
    first.pipeline.close()
    second.close()


def test_half_made_segments_are_cleared_away_when_they_are_old(ward: Ward) -> None:
    path = write_segment(ward.journals, ward.hello(), 1, 0, b"")
    half_made = path.with_name(f"{path.name}.new")
    path.rename(half_made)
    stranger = ward.journals / "notes.new"
    stranger.write_text("not ours")
    made = half_made.stat().st_mtime
    ward.recovery.tidy(made + STALE_FRESH_S - 1.0)
    assert half_made.exists()
    ward.recovery.tidy(made + STALE_FRESH_S + 1.0)
    assert not half_made.exists()
    assert stranger.exists()


def test_half_made_segments_go_with_the_journal_of_their_session(ward: Ward) -> None:
    hello = ward.hello()
    write_segment(ward.journals, hello, 0, 0, scalar_frames(0, 5))
    for owner in (hello, ward.hello()):
        path = write_segment(ward.journals, owner, 1, 0, b"")
        half_made = path.rename(path.with_name(f"{path.name}.new"))
    ward.work_off()
    assert ward.files() == [half_made.name]


def test_a_runtime_directory_that_went_away(ward: Ward) -> None:
    os.rmdir(ward.journals)
    ward.scan()
    ward.recovery.tidy(0.0)
    assert not ward.recovery.busy
