"""One of several that log into a run dies: the others go on, and what it had logged is there."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import wait_until

from . import tally
from .field import Daemon, Trainers
from .judge import judge
from .ledger import Ledger

RANKS = 4


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV], ids=lambda each: each.name)
def test_one_rank_of_four(
    trainers: Trainers, daemon: Daemon, ledger: Ledger, number: signal.Signals
) -> None:
    daemon.start()
    ranks = [trainers.start("run", pause_s=0.005, burst=200, rank=rank) for rank in range(RANKS)]
    for rank in ranks:
        wait_until(lambda rank=rank: rank.returned() > 1000, "it logs")  # type: ignore[misc]
    victim = ranks.pop(2)
    victim.kill(number)
    daemon.settle_one("rank2")
    for rank in ranks:
        more = rank.returned() + 1000
        wait_until(lambda rank=rank, more=more: rank.returned() > more, "it goes on")  # type: ignore[misc]
        assert rank.process.is_alive()
    for rank in ranks:
        rank.kill()
    daemon.settle()
    everyone = [*ranks, victim]
    verdicts = [judge(each.run, *tally.read(each.tally)) for each in everyone]
    ledger.enter(f"one rank of {RANKS} dies by {number.name}", verdicts)
    for each, verdict in zip(everyone, verdicts, strict=True):
        assert verdict.good, f"{each.run}: {verdict}"


def test_a_data_loader_s_worker(tmp_path: Path, daemon: Daemon, ledger: Ledger) -> None:
    """The training is told that its worker is gone, and logs on."""
    daemon.start()
    run = tmp_path / "run"
    command = [sys.executable, "-m", "tests.crash.loader", str(run)]
    subprocess.run(command, check=True, timeout=60)
    daemon.settle()
    authors = {"trainer": run} | {name: run / name for name in ("worker0", "worker1")}
    verdicts = {
        name: judge(directory, *tally.read(tmp_path / f"{name}.tally"))
        for name, directory in authors.items()
    }
    ledger.enter("DataLoader's worker SIGKILLed", verdicts.values())
    for name, verdict in verdicts.items():
        assert verdict.good, f"{name}: {verdict}"
        assert verdict.returned > 500
