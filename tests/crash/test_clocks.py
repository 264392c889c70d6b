"""Wall clocks that jump in the midst of a training: nothing lost, nothing twice, all is shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tbxd.ask import ask
from tbxd_wire import places
from tests.board import tensorboard
from tests.waiting import wait_until

from . import producer, tally
from .field import Daemon
from .judge import event_files, judge
from .ledger import Ledger
from .skewed import Clock
from .test_lifecycle import texts

_HOUR_S = 3600.0
_RECORDS = 300


class Bench:
    """A trainer and a daemon, each with a clock of its own or with the same one."""

    def __init__(self, root: Path, daemon: Daemon, who: str) -> None:
        self.run, self.tally = root / "runs" / "run", root / "tally"
        self.clock, right = Clock(root / "clock"), Clock(root / "right")
        self._daemon = daemon
        self._daemons_clock = right if who == "trainer" else self.clock
        self._trainers_clock = right if who == "daemon" else self.clock
        self._started: list[subprocess.Popen[bytes]] = []

    def _start(self, clock: Clock, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.crash.skewed", str(clock.path), *arguments]
        self._started.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        return self._started[-1]

    def serve(self) -> None:
        """Start a daemon."""
        directory = str(self._daemon.directory)
        process = self._start(self._daemons_clock, "serve", "--directory", directory)
        wait_until(lambda: self._daemon.pid() == process.pid, "the daemon serves")

    def serve_anew(self) -> None:
        """Kill the daemon and start another one, which goes on in a file of its own."""
        before = event_files(self.run)
        self._daemon.kill()
        self.serve()
        wait_until(lambda: event_files(self.run) != before, "it has begun a file")

    def train(self) -> subprocess.Popen[bytes]:
        """Start a trainer."""
        return self._start(self._trainers_clock, "train", str(self.run), str(self.tally))

    def await_records(self) -> None:
        """Wait until some more are logged; meanwhile look at what the daemon says."""
        reached = tally.read(self.tally)[1] + _RECORDS
        while tally.read(self.tally)[1] < reached:
            facts = ask(str(self._daemon.directory))
            assert 0 <= facts["daemon"]["uptime_s"] < 600
            for each in facts["sessions"]:
                assert 0 <= each["lag_s"] < 600, each
                assert 0 <= each["rate"] < 1e5, each

    def end(self) -> None:
        """Kill what is left."""
        for each in self._started:
            each.kill()
            each.wait()


@pytest.fixture(params=["trainer", "both"])
def bench(
    request: pytest.FixtureRequest, tmp_path: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    """Whose clock jumps."""
    monkeypatch.setenv(places.AUTOSTART_VARIABLE, "0")
    made = Bench(tmp_path, daemon, request.param)
    yield made
    made.end()


def test_a_clock_that_jumps_back_and_forth(
    bench: Bench, tmp_path: Path, daemon: Daemon, ledger: Ledger
) -> None:
    bench.serve()
    trainer = bench.train()
    wait_until(lambda: tally.read(bench.tally)[1], "the trainer logs")
    bench.await_records()
    names = set()
    for jump in (-_HOUR_S, 2 * _HOUR_S, -_HOUR_S):
        bench.clock.jump(jump)
        bench.await_records()
        names |= {each.name for each in event_files(bench.run)}
        # The next one begins a file, and takes up what this one has left.
        bench.serve_anew()
        bench.await_records()
    trainer.kill()
    trainer.wait()
    daemon.settle()
    begun, returned = tally.read(bench.tally)
    verdict = judge(bench.run, begun, returned)
    ledger.enter("wall clock jumps by an hour", [verdict])
    assert verdict.good, verdict
    files = event_files(bench.run)
    assert names < {each.name for each in files}
    dates = [int(re.findall(r"tfevents\.(\d+)\.", each.name)[0]) for each in files]
    assert len(dates) == 4
    assert dates == sorted(set(dates))
    expected = [(step, producer.value_of(step)) for step in range(verdict.found)]
    for fast in (True, False):
        with tensorboard(tmp_path / "runs", fast=fast) as board:
            board.wait(
                lambda: board.points("run", producer.TAG) == expected,
                lambda: f"{len(board.points('run', producer.TAG))} of {len(expected)}",
            )
            board.wait(lambda: texts(board) == ["started", "died"], lambda: texts(board))


@pytest.mark.parametrize("bench", ["both"], indirect=True)
def test_a_daemon_whose_clock_was_set_back_notes_behind_its_predecessor(
    bench: Bench, tmp_path: Path, daemon: Daemon
) -> None:
    bench.clock.jump(_HOUR_S)
    for _ in range(2):
        bench.serve()
        trainer = bench.train()
        wait_until(lambda: tally.read(bench.tally)[1] > 100, "the trainer logs")
        trainer.kill()
        trainer.wait()
        daemon.settle()
        daemon.stop()
        for each in event_files(bench.run):
            # As the system has it where it is the system's clock that jumps.
            os.utime(each, (each.stat().st_mtime + _HOUR_S,) * 2)
        bench.tally.unlink()
        bench.clock.jump(-_HOUR_S)
    expected = ["started", "died", "resumed", "died"]
    with tensorboard(tmp_path / "runs", fast=True) as board:
        board.wait(lambda: texts(board) == expected, lambda: texts(board))
