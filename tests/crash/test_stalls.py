"""A daemon that stands still, a journal that is full: how long a call may take, what is lost."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from tbxd.ask import ask
from tbxd_client import SummaryWriter
from tbxd_wire import places
from tbxd_wire.limits import MIB
from tests.waiting import wait_until

from . import producer
from .field import Daemon
from .judge import judge, records
from .ledger import Ledger
from .pace import Pace


def test_a_stopped_daemon_blocks_nobody(
    tmp_path: Path, daemon: Daemon, ledger: Ledger, pytestconfig: pytest.Config
) -> None:
    """SIGSTOP: the socket takes what it takes, and nobody answers."""
    stopped_s = 60.0 if pytestconfig.getoption("long") else 3.0
    pace = Pace()
    run = tmp_path / "run"
    daemon.start()
    writer, other = SummaryWriter(run), SummaryWriter(tmp_path / "other")
    weights = np.zeros(1 << 18, np.float32)
    pace.log(writer, 0, 1000)
    other.add_histogram("weights", weights, 0)
    writer.flush()
    other.flush()
    daemon.signal(signal.SIGSTOP)
    try:
        since = time.monotonic()
        count = 1000
        for step in range(100):
            pace.log(writer, count, 2000)
            count += 2000
            before = time.perf_counter()
            other.add_histogram("weights", weights, step)
            pace.slowest_call_s = max(pace.slowest_call_s, time.perf_counter() - before)
        while time.monotonic() - since < stopped_s:
            pace.log(writer, count, 100)
            count += 100
            time.sleep(0.002)
        pace.close(writer, timeout_s=1.0)
        pace.close(other, timeout_s=1.0)
    finally:
        daemon.signal(signal.SIGCONT)
    assert pace.slowest_call_s < 0.5
    before = time.monotonic()
    wait_until(lambda: not daemon.journals(), "the daemon goes on")
    # A hundred histograms of a journal left behind: not one of them waits for a clock.
    assert time.monotonic() - before < 15.0 + stopped_s
    verdict = judge(run, count, count)
    ledger.enter("daemon SIGSTOPped", [verdict], pace=pace)
    assert verdict.good, verdict
    assert [step for _, step, _ in records(tmp_path / "other")] == [0, *range(100)]


def test_the_dead_do_not_hold_up_the_living(
    tmp_path: Path, daemon: Daemon, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a long journal is recovered, a flush waits for a few chunks of it and no more."""
    monkeypatch.setenv(places.AUTOSTART_VARIABLE, "0")
    dead, count = SummaryWriter(tmp_path / "dead"), 150_000
    Pace().log(dead, 0, count)
    dead.close(timeout_s=0.0)
    pace = Pace()
    writer = SummaryWriter(tmp_path / "run")

    def recovered() -> int:
        sessions = ask(str(daemon.directory))["sessions"]
        return sum(each["committed"] for each in sessions if each["recovering"])

    daemon.start()
    wait_until(recovered, "the journal is being recovered")
    passed: list[int] = []
    while (before := recovered()) > 0:
        pace.log(writer, len(passed), 1)
        writer.flush()
        passed.append(recovered() - before)
    pace.close(writer)
    daemon.settle()
    # The last one may have met the end of it.
    passed = passed[:-1]
    print(f"{len(passed)} flushes, median {median(passed) / 1024:.0f} KiB recovered meanwhile")
    verdicts = [
        judge(tmp_path / "dead", count, count),
        judge(tmp_path / "run", len(passed) + 1, len(passed) + 1),
    ]
    ledger.enter("flush beside a recovery", verdicts, pace=pace)
    assert all(verdict.good for verdict in verdicts), verdicts
    assert median(passed) < MIB


def test_a_patient_writer_waits_for_room_and_loses_nothing(
    tmp_path: Path, daemon: Daemon, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(places.JOURNAL_LIMIT_VARIABLE, "6MiB")
    monkeypatch.setenv(places.JOURNAL_FULL_VARIABLE, "block:30")
    run = tmp_path / "run"
    daemon.start()
    writer = SummaryWriter(run)
    daemon.signal(signal.SIGSTOP)
    filled = 0
    pace = Pace()
    while writer.stats()["pending_bytes"] < 4 << 20:
        pace.log(writer, filled, 1000)
        filled += 1000
    daemon.signal(signal.SIGCONT)
    count = filled + 400_000
    pace.log(writer, filled, count - filled)
    pace.close(writer)
    assert writer.stats()["shed"] == 0
    assert pace.slowest_call_s < 30.0
    verdict = judge(run, count, count)
    ledger.enter("journal full, block:30", [verdict], pace=pace)
    assert verdict.good, verdict


def test_patience_ends_and_is_not_asked_for_at_every_call(
    tmp_path: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(places.AUTOSTART_VARIABLE, "0")
    monkeypatch.setenv(places.JOURNAL_LIMIT_VARIABLE, "100KiB")
    monkeypatch.setenv(places.JOURNAL_FULL_VARIABLE, "block:0.5")
    run = tmp_path / "run"
    writer = SummaryWriter(run)
    count = 0
    pace = Pace()
    while not writer.stats()["shed"]:
        pace.log(writer, count, 1)
        count += 1
    assert 0.5 <= pace.slowest_call_s < 5.0
    assert writer.stats()["shed"] == 1
    before = time.monotonic()
    pace.log(writer, count, 1000)
    assert time.monotonic() - before < 0.5
    stats = writer.stats()
    assert (stats["records"], stats["shed"]) == (count - 1, 1001)
    daemon.start()
    writer.flush()
    writer.close()
    assert judge(run, count - 1, count - 1).good


def fill(writer: SummaryWriter) -> int:
    """Log until the next long record finds no room; return how many records that took."""
    count = 0
    while not writer.stats()["shed"]:
        writer.add_scalar(producer.TAG, producer.value_of(count), count)
        count += 1
    return count


@pytest.mark.parametrize("closing", ["by a thread", "by a signal handler"])
def test_a_writer_that_is_closed_while_a_call_waits(
    tmp_path: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch, closing: str
) -> None:
    """The record belongs to the next session, and the sums are right."""
    monkeypatch.setenv(places.AUTOSTART_VARIABLE, "0")
    monkeypatch.setenv(places.JOURNAL_LIMIT_VARIABLE, "200KiB")
    run = tmp_path / "run"
    writer = SummaryWriter(run)
    calls = fill(writer)
    monkeypatch.setattr(writer._recorder._client, "_patience_s", 20.0)  # type: ignore[union-attr]
    if closing == "by a thread":
        thread = threading.Timer(0.3, lambda: writer.close(timeout_s=0.0))
        thread.start()
    else:
        before = signal.signal(signal.SIGALRM, lambda *_: writer.close(timeout_s=0.0))
        signal.setitimer(signal.ITIMER_REAL, 0.3)
    writer.add_scalar("x" * 1000, 1.0, 0)
    calls += 1
    if closing == "by a thread":
        thread.join()
    else:
        signal.signal(signal.SIGALRM, before)
    assert writer.stats()["records"] == 1, "in the next session"
    shed = writer.stats()["shed"]
    assert shed == 1
    writer.close(timeout_s=0.0)
    daemon.start()
    wait_until(lambda: not daemon.journals(), "all is written")
    assert len(list(records(run))) == calls - shed


@pytest.mark.parametrize("handlers_writer", ["the same", "another"])
def test_a_signal_handler_that_logs_while_a_call_waits(
    tmp_path: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch, handlers_writer: str
) -> None:
    """It waits no longer than what it interrupts: the calls together take what one may."""
    monkeypatch.setenv(places.AUTOSTART_VARIABLE, "0")
    monkeypatch.setenv(places.JOURNAL_LIMIT_VARIABLE, "200KiB")
    writer, other = SummaryWriter(tmp_path / "run"), SummaryWriter(tmp_path / "other")
    other.add_scalar("first", 1.0, 0)
    calls = fill(writer)
    # So that a long record finds no room there, either.
    others = 1 + fill(other)
    for each in (writer, other):
        monkeypatch.setattr(each._recorder._client, "_patience_s", 1.0)  # type: ignore[union-attr]
    shed = (writer.stats()["shed"], other.stats()["shed"])
    handled = 0

    def handle(*_: object) -> None:
        nonlocal handled
        handled += 1
        if handled == 10:
            signal.setitimer(signal.ITIMER_REAL, 0)
        chosen = writer if handlers_writer == "the same" else other
        chosen.add_scalar("x" * 1000, 1.0, handled)

    before = signal.signal(signal.SIGALRM, handle)
    # Again and again, also in the midst of the handler.
    signal.setitimer(signal.ITIMER_REAL, 0.3, 0.3)
    since = time.monotonic()
    try:
        writer.add_scalar("x" * 1000, 1.0, 0)
        took = time.monotonic() - since
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert handled >= 3
    assert 1.0 <= took < 2.0
    refused = writer.stats()["shed"] - shed[0], other.stats()["shed"] - shed[1]
    assert refused == ((1 + handled, 0) if handlers_writer == "the same" else (1, handled))
    daemon.start()
    for each in (writer, other):
        each.close()
    found = len(list(records(tmp_path / "run"))), len(list(records(tmp_path / "other")))
    assert found == (calls - shed[0], others - shed[1])


def test_what_never_fits_is_not_waited_for(
    tmp_path: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(places.JOURNAL_LIMIT_VARIABLE, "1MiB")
    monkeypatch.setenv(places.JOURNAL_FULL_VARIABLE, "block:20")
    writer = SummaryWriter(tmp_path / "run")
    before = time.monotonic()
    writer.add_histogram("weights", np.zeros(500_000, np.float32), 0)
    assert time.monotonic() - before < 5.0
    assert writer.stats()["shed"] == 1
    writer.close()
