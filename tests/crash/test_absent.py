"""No daemon, and no room: logging goes on, nothing is lost but what is refused and counted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from tbxd.ask import ask
from tbxd_client import FlushTimeout, SummaryWriter
from tbxd_wire import places
from tbxd_wire.limits import SEGMENT_SMALL_BYTES
from tests.waiting import wait_until

from . import producer
from .field import Daemon
from .judge import judge, records, shed


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody starts a daemon."""
    monkeypatch.setenv(places.AUTOSTART_VARIABLE, "0")


def log(writer: SummaryWriter, first: int, count: int) -> None:
    """Log records as the judge expects them."""
    for step in range(first, first + count):
        writer.add_scalar(producer.TAG, producer.value_of(step), step)


@pytest.mark.usefixtures("alone")
def test_a_daemon_started_later_writes_everything(tmp_path: Path, daemon: Daemon) -> None:
    run = tmp_path / "run"
    writer = SummaryWriter(run)
    log(writer, 0, 100_000)
    with pytest.raises(FlushTimeout, match="no daemon"):
        writer.flush(timeout_s=0.2)
    before = time.monotonic()
    writer.close(timeout_s=2)
    assert time.monotonic() - before < 2.5
    assert not list(run.iterdir())
    daemon.start()
    wait_until(lambda: not daemon.journals(), "the daemon takes the journal over")
    assert judge(run, 100_000, 100_000).good


@pytest.mark.usefixtures("alone")
def test_a_daemon_that_comes_while_logging_goes_on(tmp_path: Path, daemon: Daemon) -> None:
    run = tmp_path / "run"
    writer = SummaryWriter(run)
    log(writer, 0, 1000)
    daemon.start()
    log(writer, 1000, 1000)
    writer.flush()
    assert judge(run, 2000, 2000).good
    writer.close()


@pytest.mark.usefixtures("alone")
def test_a_full_journal_refuses_counts_and_goes_on(
    tmp_path: Path,
    daemon: Daemon,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("TBXD_JOURNAL_LIMIT", "6MiB")
    run = tmp_path / "run"
    writer = SummaryWriter(run)
    count = 300_000
    slowest = 0.0
    for step in range(count):
        before = time.perf_counter()
        writer.add_scalar(producer.TAG, producer.value_of(step), step)
        slowest = max(slowest, time.perf_counter() - before)
    stats = writer.stats()
    assert stats["shed"] > 0
    assert stats["records"] + stats["shed"] == count
    assert slowest < 1.0
    assert len([record for record in caplog.records if "not logged" in record.message]) == 1
    daemon.start()
    writer.flush()
    # There is room again.
    log(writer, count, 1000)
    writer.close()
    found = [step for _, step, _ in records(run)]
    assert found == [*range(stats["records"]), *range(count, count + 1000)]


def test_a_journal_of_one_segment_is_used_again(
    tmp_path: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is room for no second one, all goes through the first."""
    monkeypatch.setenv("TBXD_JOURNAL_LIMIT", "100KiB")
    run = tmp_path / "run"
    writer = SummaryWriter(run)
    count = 4000
    for step in range(count):
        log(writer, step, 1)
        writer.flush()
    assert writer.stats()["shed"] == 0
    assert writer.stats()["bytes"] > 2 * SEGMENT_SMALL_BYTES
    writer.close()
    assert writer.stats()["records"] == count
    assert judge(run, count, count).good


@pytest.fixture
def small_file_system(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 8 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    where = tmp_path / "small"
    where.mkdir()
    options = "size=8m,mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(where)], check=True)
    yield where
    subprocess.run(["umount", "--lazy", str(where)], check=True)


@pytest.mark.usefixtures("alone")
def test_a_dead_journal_says_at_its_end_what_was_shed(
    tmp_path: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TBXD_JOURNAL_LIMIT", "6MiB")
    writer = SummaryWriter(tmp_path / "run")
    log(writer, 0, 200_000)
    stats = writer.stats()
    writer.close(0.0)
    daemon.start()
    wait_until(lambda: not daemon.journals(), "the daemon takes the journal over")
    wait_until(lambda: shed(tmp_path / "run"), "the run says it")
    assert shed(tmp_path / "run") == [(stats["records"] - 1, float(stats["shed"]))]


@pytest.mark.usefixtures("alone")
def test_a_full_file_system_never_kills(
    tmp_path: Path, small_file_system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = small_file_system / "rt"
    directory.mkdir(mode=0o700)
    monkeypatch.setenv(places.DIRECTORY_VARIABLE, str(directory))
    run = tmp_path / "run"
    writer = SummaryWriter(run)
    log(writer, 0, 10)
    # Somebody else takes all the room that is left.
    hog = small_file_system / "hog"
    with hog.open("wb") as file, pytest.raises(OSError, match="No space"):
        file.write(bytes(8 << 20))
    count = 200_000
    log(writer, 10, count)
    stats = writer.stats()
    assert stats["shed"] > 0
    assert stats["records"] + stats["shed"] == count + 10
    # A new writer has no room for its journal at all, and says so without raising.
    other = SummaryWriter(tmp_path / "other")
    log(other, 0, 10)
    assert other.stats()["shed"] == 10
    hog.unlink()
    log(writer, count + 10, 1000)
    # A full journal asks for room at every 64th record.
    refused = writer.stats()["shed"] - stats["shed"]
    assert refused < 64
    daemon = Daemon(directory)
    daemon.start()
    try:
        writer.close()
        other.close()
        found = [step for _, step, _ in records(run)]
        again = range(count + 10 + refused, count + 1010)
        assert found == [*range(stats["records"]), *again]
    finally:
        daemon.stop()


@pytest.mark.parametrize("again", [False, True], ids=["to the end", "for a while"])
def test_a_journal_that_cannot_be_opened_is_seen(
    tmp_path: Path, small_file_system: Path, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    """The daemon hears of what is lost while it is, and how much it was in the end."""
    monkeypatch.setenv(places.DIRECTORY_VARIABLE, str(small_file_system))
    monkeypatch.setenv(places.NOTES_VARIABLE, "1")
    run = tmp_path / "run"
    with SummaryWriter(run) as beside:
        log(beside, 0, 10)
    daemon = Daemon(small_file_system)
    hog = small_file_system / "hog"
    with hog.open("wb") as file, pytest.raises(OSError, match="No space"):
        file.write(bytes(8 << 20))
    writer = SummaryWriter(run)
    log(writer, 10, 100)

    def sessions() -> list[tuple[int, int, str]]:
        found = ask(str(small_file_system))["sessions"]
        return sorted((each["records"], each["shed"], each["state"]) for each in found)

    try:
        assert writer.stats()["shed"] == 100
        assert "journal could not be opened" in writer.stats()["trouble"]
        # It hears of the first, and whenever they are twice as many.
        wait_until(lambda: sessions()[0][1] > 50, "the daemon is told")
        assert [each[::2] for each in sessions()] == [(0, "live"), (10, "closed")]
        hog.unlink()
        if again:
            log(writer, 110, 20)
        writer.close()
        rest = [(20, 0, "closed")] if again else []
        expected = [(0, 100, "closed"), (10, 0, "closed"), *rest]
        wait_until(lambda: sessions() == expected, "the last word is heard")
        assert writer.stats()["shed"] == 100
        found = [step for _, step, _ in records(run)]
        assert found == [*range(10), *(range(110, 130) if again else ())]
        wait_until(lambda: shed(run)[-1:] == [(0, 100.0)], "the run says it, too")
    finally:
        daemon.stop()


def test_a_thousand_writers_one_after_the_other(tmp_path: Path, daemon: Daemon) -> None:
    run = tmp_path / "run"
    with SummaryWriter(run) as writer:
        writer.add_scalar("first", 0.0, 0)
    cycles = 1000
    before = time.perf_counter()
    for step in range(cycles):
        with SummaryWriter(run) as writer:
            writer.add_scalar(producer.TAG, producer.value_of(step), step)
    took = time.perf_counter() - before
    print(f"{cycles} cycles in {took:.2f} s")
    assert took < 5
    assert [step for tag, step, _ in records(run) if tag == producer.TAG] == list(range(cycles))
    assert not daemon.journals()


def test_close_is_a_barrier(tmp_path: Path, daemon: Daemon) -> None:
    for number in range(50):
        run = tmp_path / f"run{number}"
        with SummaryWriter(run) as writer:
            log(writer, 0, 100)
        assert judge(run, 100, 100).good
        shutil.rmtree(run)
    with SummaryWriter(tmp_path / "last") as writer:
        log(writer, 0, 100)
    assert not [name for name in os.listdir(tmp_path) if name.startswith("run")]
    assert daemon.pid() is not None


def test_a_file_where_a_sub_run_must_go_costs_only_that(tmp_path: Path, daemon: Daemon) -> None:
    run = tmp_path / "run"
    writer = SummaryWriter(run)
    (run / "blocked").write_text("a file of somebody else's")
    log(writer, 0, 100)
    writer.add_scalars("blocked", {"key": 1.0}, 0)
    log(writer, 100, 100)
    writer.flush(timeout_s=20)
    assert judge(run, 200, 200).good
    writer.close()


def test_a_runtime_directory_that_was_cleaned_away(tmp_path: Path, daemon: Daemon) -> None:
    """Whoever opens a session makes it again, and a daemon that nobody can find leaves."""
    run = tmp_path / "run"
    with SummaryWriter(run) as writer:
        log(writer, 0, 100)
    shutil.rmtree(daemon.directory)
    with SummaryWriter(run) as writer:
        log(writer, 100, 100)
        writer.flush(timeout_s=30)
    assert judge(run, 200, 200).good


def test_a_clock_of_whole_seconds(tmp_path: Path, daemon: Daemon) -> None:
    """As tests with a simulated clock have it."""
    run = tmp_path / "run"
    with patch("tbxd_client.writer.scalars.time", return_value=1700000000):
        with patch("time.time", return_value=1700000000):
            writer = SummaryWriter(run, purge_step=0)
            log(writer, 0, 100)
        writer.flush(timeout_s=20)
        writer.close()
    assert judge(run, 100, 100).good


@pytest.mark.parametrize("free", range(9))
def test_a_process_without_descriptors_goes_on(tmp_path: Path, daemon: Daemon, free: int) -> None:
    """The sender cannot have its socket; that must not end the training."""
    daemon.start()
    program = f"""
import os, resource, sys, time
from tbxd_client import SummaryWriter
writer = SummaryWriter(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
for each in held[: {free}]:
    os.close(each)
for step in range(1000):
    writer.add_scalar("crash", float(step), step)
deadline = time.monotonic() + 0.5
while time.monotonic() < deadline:
    writer.add_scalar("crash", 1.0, 1)
for each in held[{free}:]:
    os.close(each)
writer.close()
"""
    command = [sys.executable, "-c", program, str(tmp_path / "run")]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
