"""Many daemons for one directory at once: one serves, the others say so and leave."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tbxd.ask import ask
from tbxd_client import SummaryWriter
from tbxd_wire import places
from tbxd_wire.errors import DaemonUnreachable
from tests.waiting import wait_until

from . import tally
from .field import Daemon, Trainers
from .judge import judge
from .ledger import Ledger
from .pace import Pace

_CROWD = 20
_DEADLINE_S = 60.0


class Left(NamedTuple):
    """A daemon that has ended."""

    pid: int
    code: int
    said: str


class Crowd:
    """Daemons that were started at the same instant."""

    def __init__(self, directory: Path) -> None:
        command = (sys.executable, "-m", "tests.crash.crowd", str(directory), str(_CROWD))
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def leave(self, count: int) -> list[Left]:
        """Return the next ``count`` that end; who does not in time is killed."""
        assert self.process.stdout is not None
        found = []
        deadline = threading.Timer(_DEADLINE_S, self.process.terminate)
        deadline.start()
        for _ in range(count):
            pid, code, said = self.process.stdout.readline().split(" ", 2)
            found.append(Left(int(pid), int(code), ast.literal_eval(said)))
        deadline.cancel()
        return found


@contextlib.contextmanager
def crowd(directory: Path) -> Iterator[Crowd]:
    """Start many daemons; see to it that none is left."""
    started = Crowd(directory)
    try:
        yield started
    finally:
        started.process.terminate()
        started.process.wait()
        assert started.process.stdout is not None
        started.process.stdout.close()


@pytest.fixture
def rounds(pytestconfig: pytest.Config) -> int:
    """How often many daemons start."""
    return 30 if pytestconfig.getoption("long") else 3


def assert_told(left: list[Left], directory: Path, pid: int) -> None:
    """Everybody who left has said in one line that another one serves, and named no other."""
    for each in left:
        assert each.code == 1, each
        assert re.fullmatch(
            rf"tbxd: {re.escape(str(directory))} is already served by"
            rf" the daemon with pid {pid}(, started [-0-9]+ [:0-9]+)?\n",
            each.said,
        ), each


def test_one_of_many_serves(
    tmp_path: Path,
    daemon: Daemon,
    ledger: Ledger,
    rounds: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(places.AUTOSTART_VARIABLE, "0")
    writer, pace = SummaryWriter(tmp_path / "run", role=""), Pace()
    count, half = 500, 250
    for number in range(rounds):
        # With nobody there: whoever serves has something to do at once.
        pace.log(writer, number * count, half)
        with crowd(daemon.directory) as started:
            pace.log(writer, number * count + half, half)
            left = started.leave(_CROWD - 1)
            writer.flush()
            pid = ask(str(daemon.directory))["daemon"]["pid"]
            assert pid == daemon.pid()
            assert pid not in [each.pid for each in left]
            assert_told(left, daemon.directory, pid)
            # The next ones find what a daemon leaves behind that was killed, or ended by itself.
            os.kill(pid, signal.SIGTERM if number % 2 else signal.SIGKILL)
            (last,) = started.leave(1)
            assert last.pid == pid
            assert last.code == (0 if number % 2 else -signal.SIGKILL)
    daemon.start()
    pace.close(writer)
    verdict = judge(tmp_path / "run", rounds * count, rounds * count)
    ledger.enter(f"{_CROWD} daemons at once", [verdict], pace=pace).repetitions = rounds
    assert verdict.good, verdict


def test_one_is_killed_while_many_come(
    tmp_path: Path, trainers: Trainers, daemon: Daemon, ledger: Ledger, rounds: int
) -> None:
    """Clients start daemons of their own meanwhile; there is never more than one that serves."""
    trainer = trainers.start("run", pause_s=0.02, burst=100)
    for _ in range(rounds - 1):
        wait_until(lambda: daemon.pid() is not None, "a daemon serves")
        with crowd(daemon.directory) as started:
            killed = daemon.kill()
            left = started.leave(_CROWD - 1)
            assert {each.code for each in left} == {1}
            wait_until(lambda killed=killed: daemon.pid() not in (None, killed), "another serves")  # type: ignore[misc]
            wait_until(lambda: takes_records(daemon), "the trainer's records go through")
    trainer.kill()
    daemon.start()
    daemon.settle()
    verdict = judge(trainer.run, *tally.read(trainer.tally))
    ledger.enter("killed while many start", [verdict]).repetitions = rounds - 1
    assert verdict.good, verdict


def takes_records(daemon: Daemon) -> bool:
    """Return whether whatever daemon serves now has taken records."""
    with contextlib.suppress(DaemonUnreachable):
        return any(each["records"] for each in ask(str(daemon.directory))["sessions"])
    return False
