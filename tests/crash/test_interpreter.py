"""The sender shares the interpreter with the training: what if it hardly ever gets it?"""

from __future__ import annotations

import contextlib
import ctypes
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tbxd_client import SummaryWriter, outbox
from tbxd_client.connection import Connection

from .field import Daemon
from .judge import judge
from .ledger import Ledger
from .pace import Pace

_GAP_S = 0.1
"""For so long all others have the interpreter between two holds."""

_SLACK_S = 0.5
"""What the other processes of a machine may add to a wait."""


@contextlib.contextmanager
def threads(*jobs: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run jobs, each in a thread of its own, until the end of the block; each gets the event."""
    over = threading.Event()
    running = [threading.Thread(target=job, args=(over,)) for job in jobs]
    for each in running:
        each.start()
    try:
        yield
    finally:
        over.set()
        for each in running:
            each.join()


class Holder:
    """Holds the interpreter again and again, as a C extension may that never lets go of it."""

    def __init__(self, hold_s: float) -> None:
        self._hold_us = int(hold_s * 1e6)
        self._usleep = ctypes.PyDLL(None).usleep
        self.times = 0
        self.longest_s = 0.0

    def run(self, over: threading.Event) -> None:
        """Hold, and let go for a moment, until it is over."""
        while not over.wait(_GAP_S):
            before = time.monotonic()
            self._usleep(self._hold_us)
            self.longest_s = max(self.longest_s, time.monotonic() - before)
            self.times += 1


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Connection]:
    """Every connection that is opened from now on."""
    opened: list[Connection] = []
    real = Connection.open

    def spied(connection: Connection) -> None:
        opened.append(connection)
        real(connection)

    monkeypatch.setattr(Connection, "open", spied)
    return opened


def test_a_sender_that_is_starved(
    tmp_path: Path,
    daemon: Daemon,
    ledger: Ledger,
    connections: list[Connection],
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    """Every answer of the daemon is overdue by the time the sender gets to it."""
    hold_s, times = 7.0, 20
    if not pytestconfig.getoption("long"):
        hold_s, times = 1.5, 3
        monkeypatch.setattr(outbox, "SILENCE_S", 1.0)
    assert hold_s > outbox.SILENCE_S
    daemon.start()
    pid = daemon.pid()
    run = tmp_path / "run"
    pace = Pace()
    writer = SummaryWriter(run)
    pace.log(writer, 0, 100)
    writer.flush()
    connections.clear()
    holder = Holder(hold_s)
    count = 100
    with threads(holder.run):
        while holder.times < times:
            pace.log(writer, count, 100)
            count += 100
        # A turn of the sender for each of its steps is enough: it greets, is welcomed, is acked.
        before, held = time.monotonic(), holder.times
        writer.flush()
        took, turns = time.monotonic() - before, holder.times - held
    pace.log(writer, count, 1000)
    count += 1000
    pace.close(writer)
    print(f"{count} records, flush {took:.2f} s in {turns} holds, {len(connections)} connections")
    verdict = judge(run, count, count)
    ledger.enter("sender starved of the interpreter", [verdict], pace=pace).repetitions = times
    assert verdict.good, verdict
    assert pace.slowest_call_s < holder.longest_s + _SLACK_S
    assert turns <= 4
    assert not connections
    assert daemon.pid() == pid


def test_close_beside_who_holds_the_interpreter(tmp_path: Path, daemon: Daemon) -> None:
    """It is late by one hold at most, also if there is nothing to wait for."""
    daemon.start()
    run = tmp_path / "run"
    pace = Pace()
    writer = SummaryWriter(run)
    pace.log(writer, 0, 100)
    writer.flush()
    daemon.signal(signal.SIGSTOP)
    try:
        holder = Holder(0.4)
        with threads(holder.run):
            pace.log(writer, 100, 100)
            pace.close(writer, timeout_s=1.0)
            assert holder.times
    finally:
        daemon.signal(signal.SIGCONT)
    daemon.settle()
    assert judge(run, 200, 200).good


def test_many_threads_beside_the_sender(
    tmp_path: Path, daemon: Daemon, ledger: Ledger, pytestconfig: pytest.Config
) -> None:
    """It gets the interpreter seldom, and takes all there is each time: nothing piles up."""

    def spin(over: threading.Event) -> None:
        while not over.is_set():
            sum(range(10_000))

    seconds = 60.0 if pytestconfig.getoption("long") else 3.0
    daemon.start()
    run = tmp_path / "run"
    pace = Pace()
    count = most = 0
    with SummaryWriter(run) as writer:
        pace.log(writer, 0, 1)
        count = 1
        writer.flush()
        until = time.monotonic() + seconds
        with threads(*[spin] * 8):
            while time.monotonic() < until:
                pace.log(writer, count, 1000)
                count += 1000
                time.sleep(0.005)
                most = max(most, writer.stats()["pending_bytes"])
            logged = writer.stats()["bytes"]
        assert writer.stats()["shed"] == 0
        pace.close(writer)
    print(f"{count} records beside 8 threads, {most} of {logged} bytes pending at most")
    verdict = judge(run, count, count)
    ledger.enter("sender beside 8 busy threads", [verdict], pace=pace)
    assert verdict.good, verdict
    # Measured: what was logged in the last tenth of a second, rarely in the last half.
    assert most < logged / 2
