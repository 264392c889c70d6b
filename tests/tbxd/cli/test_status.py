"""``tbxd status``: for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tbxd.cli import group
from tbxd_wire import frame, records
from tbxd_wire.kinds import Kind
from tbxd_wire.messages import Batch, Bye
from tests.tbxd.daemons import Client, Daemon
from tests.tbxd.hellos import hello_of, scalar_frame, scalar_frames
from tests.tbxd.journals import write_segment
from tests.waiting import wait_until


@pytest.fixture
def shown(tmp_path: Path) -> tuple[str, str]:
    """What it shows, as text and as JSON, of a daemon with sessions of every kind."""
    runtime = tmp_path / "rt"
    runtime.mkdir(mode=0o700)
    dead = hello_of("/proc/version/[bold]run", role="rank7")
    with Daemon(runtime) as daemon, Client(runtime) as client:
        live, closed, rejected = (hello_of(str(tmp_path / "run"), role=r) for r in ("", "a", "b"))
        for hello in (live, closed, rejected):
            client.say_hello(hello)
        bad_record = frame.encode(b"\xc1")
        client.log(live.session, 0, scalar_frames(0, 1234) + scalar_frame(3) + bad_record)
        client.send(Bye(closed.session, 0, 17))
        client.send(Batch(rejected.session, 0, 0, 0, b"\xff" * 30))
        write_segment(runtime, dead, 0, 0, scalar_frames(0, 3))
        arguments = ["status", "--directory", str(runtime)]
        as_json = CliRunner().invoke(group, [*arguments, "--json"], catch_exceptions=False)
        as_text = CliRunner().invoke(group, arguments, catch_exceptions=False)
        assert as_json.exit_code == as_text.exit_code == 0
        daemon.kill()
    return as_text.output, as_json.output


def test_programs_get_all_facts(shown: tuple[str, str]) -> None:
    facts = json.loads(shown[1])
    assert set(facts["daemon"]) >= {
        "version",
        "pid",
        "uptime_s",
        "rss_bytes",
        "directory",
        "sessions",
        "journals_waiting",
        "waiting_by_job",
        "malformed_messages",
        "journals_left_alone",
        "left_alone_by_reason",
        "turned_away",
        "turned_away_by_reason",
    }
    by_role = {session["role"]: session for session in facts["sessions"]}
    assert by_role[""]["state"] == "live"
    assert by_role[""]["records"] == 1236
    assert by_role[""]["refused"] == 1
    assert list(by_role[""]["refused_by_reason"].values()) == [1]
    assert by_role[""]["steps_back"] == 1
    assert by_role["a"]["state"] == "closed"
    assert by_role["a"]["shed"] == 17
    assert by_role["b"]["state"] == "rejected"
    assert by_role["rank7"]["recovering"]
    assert facts["daemon"]["journals_waiting"] == 1
    totals = facts["totals"]
    assert (totals["records"], totals["shed"], totals["refused"]) == (1236, 17, 1)
    assert totals["refused_by_reason"] == by_role[""]["refused_by_reason"]


def test_people_get_a_table_for_each_run(shown: tuple[str, str], tmp_path: Path) -> None:
    text = shown[0]
    assert str(tmp_path / "run") in text
    assert "[bold]run" in text
    for word in (
        "(run)",
        "live",
        "closed",
        "rejected",
        "rank7",
        "1,236",
        "17",
        "1 record refused: ",
        "1 live session, 1 journal waiting, ",
        "steps that went back: 1",
    ):
        assert word in text


def test_a_daemon_without_sessions(tmp_path: Path) -> None:
    with Daemon(tmp_path / "rt"):
        result = CliRunner().invoke(group, ["status", "--directory", str(tmp_path / "rt")])
    assert "no sessions" in result.output


@pytest.mark.parametrize("wall_time", [-1e300, 1e20, 1e300])
def test_a_wall_time_that_is_in_no_calendar(tmp_path: Path, wall_time: float) -> None:
    """A caller may give any; who died after it is shown all the same."""
    runtime = tmp_path / "rt"
    runtime.mkdir(mode=0o700)
    record = records.encode(Kind.SCALAR, "tag", 0, wall_time, 1.0)
    write_segment(runtime, hello_of(str(tmp_path / "run")), 0, 0, frame.encode(record))
    with Daemon(runtime) as daemon:
        wait_until(lambda: daemon.facts()["sessions"][0]["state"] == "died", "it is taken over")
        result = CliRunner().invoke(group, ["status", "--directory", str(runtime)])
    assert result.exit_code == 0, result.exception
    assert "died" in result.output


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (5 << 20, "5.0 MiB"),
        (1 << 60, "1048576.0 TiB"),
    ],
)
def test_sizes(count: int, expected: str) -> None:
    from tbxd.cli.status import _size

    assert _size(count) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (90061, "1 d 1 h 1 min 1 s")],
)
def test_durations(seconds: float, expected: str) -> None:
    from tbxd.cli.status import _duration

    assert _duration(seconds) == expected
