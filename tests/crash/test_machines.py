"""Two machines with a file system in common: a daemon each, and one run that both log into.

Where it may be done, each side has a host name and a network of its own.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tbxd_wire import places
from tests.board import Board, tensorboard
from tests.waiting import wait_until

from . import producer, tally
from .field import Daemon
from .judge import Verdict, event_files, records
from .ledger import Ledger

_RECORDS = 100

_TRAIN = """
import itertools, sys, time
from pathlib import Path
from tbxd_client import SummaryWriter
from tests.crash.producer import value_of
from tests.crash.tally import Tally
run, role, tag, counts = sys.argv[1:]
words = Tally(Path(counts)).words
writer = SummaryWriter(run, role=role)
for step in itertools.count():
    words[0] = step + 1
    writer.add_scalar(tag, value_of(step), step)
    words[1] = step + 1
    if step % 10 == 0:
        time.sleep(0.01)
"""


def _has_namespaces() -> bool:
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("hostname") is None:
        return False
    command = ["unshare", "--net", "--uts", "hostname", "elsewhere"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class Machine:
    """A runtime directory, its daemon and its trainers."""

    def __init__(self, root: Path, name: str, *, isolated: bool) -> None:
        self.daemon = Daemon(root / name)
        self._prefix = (
            ["unshare", "--net", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', name]
            if isolated
            else []
        )
        self._environment = {
            **os.environ,
            places.DIRECTORY_VARIABLE: str(self.daemon.directory),
            places.AUTOSTART_VARIABLE: "0",
            places.NOTES_VARIABLE: "1",
        }
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """Start a Python program on this machine."""
        command = [*self._prefix, sys.executable, *map(str, arguments)]
        self._started.append(
            subprocess.Popen(command, env=self._environment, stderr=subprocess.DEVNULL)
        )
        return self._started[-1]

    def serve(self) -> None:
        """Start its daemon."""
        self.start("-m", "tbxd", "serve", "--directory", self.daemon.directory)
        wait_until(lambda: self.daemon.pid() is not None, "a daemon serves")

    def end(self) -> None:
        """Kill what is left."""
        for each in self._started:
            each.kill()
            each.wait()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[list[Machine]]:
    """Two of them."""
    isolated = _has_namespaces()
    made = [Machine(tmp_path, name, isolated=isolated) for name in ("alpha", "beta")]
    yield made
    for each in made:
        each.end()


def verdict_of(directory: Path, tag: str, counts: Path) -> Verdict:
    """Judge the records of one tag, of which each has its own author."""
    begun, returned = tally.read(counts)
    found = [(step, number) for name, step, number in records(directory) if name == tag]
    steps = {step for step, _ in found}
    wrong = sum(number != producer.value_of(step) for step, number in found)
    late = sum(later < earlier for (earlier, _), (later, _) in itertools.pairwise(found))
    lost = sum(step not in steps for step in range(returned))
    return Verdict(begun, returned, len(steps), lost, len(found) - len(steps), late, wrong)


def test_two_daemons_write_one_run(tmp_path: Path, machines: list[Machine], ledger: Ledger) -> None:
    run = tmp_path / "runs" / "run"
    authors: dict[tuple[str, str], Path] = {}
    trainers: list[subprocess.Popen[bytes]] = []

    def await_records() -> None:
        reached = {each: tally.read(each)[1] + _RECORDS for each in authors.values()}
        wait_until(
            lambda: all(tally.read(each)[1] > count for each, count in reached.items()),
            "all trainers log",
        )

    def expected(tag: str, counts: Path) -> list[tuple[int, float]]:
        return [(step, producer.value_of(step)) for step in range(ends[tag, counts])]

    def shown(board: Board) -> list[bool]:
        return [
            board.points(f"run/{role}".rstrip("/"), tag) == expected(tag, counts)
            for (role, tag), counts in authors.items()
        ]

    ends: dict[tuple[str, Path], int] = {}
    with tensorboard(tmp_path / "runs", fast=True) as live:
        for number, machine in enumerate(machines):
            machine.serve()
            # The same role with a tag of its own, and a role of its own.
            for role, tag in (("", f"tag{number}"), (f"rank{number + 1}", "tag")):
                counts = tmp_path / f"{tag}{role}.tally"
                trainers.append(machine.start("-c", _TRAIN, run, role, tag, counts))
                authors[role, tag] = counts
        await_records()
        for machine in machines:
            before = {each: each.read_bytes() for each in run.rglob("*tfevents*")}
            machine.daemon.kill()
            await_records()
            machine.serve()
            await_records()
            # Whoever begins anew leaves alone what is there, the other's live file above all.
            for each, content in before.items():
                with each.open("rb") as file:
                    assert file.read(len(content)) == content
        for trainer in trainers:
            trainer.kill()
            trainer.wait()
        for machine in machines:
            machine.daemon.settle()
        for (role, tag), counts in authors.items():
            verdict = verdict_of(run / role, tag, counts)
            ledger.enter("two machines log into one run", [verdict])
            assert verdict.good, (role, tag, verdict)
            ends[tag, counts] = verdict.found
        assert len(event_files(run)) == 4
        assert [len(event_files(run / f"rank{number}")) for number in (1, 2)] == [2, 2]

        live.wait(lambda: all(shown(live)), lambda: shown(live))
    with tensorboard(tmp_path / "runs", fast=False) as board:
        board.wait(lambda: all(shown(board)), lambda: shown(board))
