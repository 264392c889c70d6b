"""Forks at any instant of a trainer that logs: each child is an author, and disturbs nobody."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import wait_until

from . import tally
from .field import Daemon
from .judge import judge, lifecycle
from .ledger import Ledger

FORKED_AT_THE_FIRST_VIEW = """
import os, sys
import numpy
from zmq.utils.garbage import gc
from tbxd_client import SummaryWriter

writer = SummaryWriter(sys.argv[1])
writer.add_scalar("tag", 0.5, 1)
writer.flush()
gc._lock.acquire()
child = os.fork()
if child == 0:
    writer.add_tensor("tensor", numpy.zeros(50_000), 2)
    writer.flush(20.0)
    os._exit(0)
gc._lock.release()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
writer.add_tensor("tensor", numpy.zeros(50_000), 2)
writer.flush(20.0)
"""


@pytest.mark.parametrize(
    ("what", "forks", "how"),
    [
        ("scalars", 35, "told"),
        ("arrays", 14, "told"),
        ("generations", 7, "told"),
        ("scalars", 35, "untold"),
        ("arrays", 7, "untold"),
        ("scalars", 4, "beside a thread"),
        ("arrays", 7, "beside a thread"),
    ],
)
def test_forks(
    tmp_path: Path,
    daemon: Daemon,
    ledger: Ledger,
    pytestconfig: pytest.Config,
    what: str,
    forks: int,
    how: str,
) -> None:
    daemon.start()
    run = tmp_path / "run"
    if pytestconfig.getoption("long"):
        forks *= 10 if what != "generations" else 5
    # From Python 3.12 on, whoever forks beside threads is warned.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "tests.crash.forking"]
    ended = subprocess.run(
        [*command, what, str(forks), str(run), how],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    said = set(ended.stderr.splitlines())
    if how != "told":
        # Each child says what it cannot do; no more.
        said = {line for line in said if not line.startswith("tbxd: ")}
    assert (ended.returncode, said) == (0, set())
    daemon.settle()
    # Not by asking the daemon, which forgets the oldest of hundreds that have ended.
    wait_until(lambda: len(lifecycle(run)) > 1, "the run says how it ended")
    assert [text.split("**")[1] for text in lifecycle(run)] == ["started", "ended cleanly"]
    verdicts = {}
    for path in tmp_path.glob("run-*.tally"):
        role = path.stem.removeprefix("run-")
        directory = run if role == "parent" else run / role
        verdicts[role] = judge(directory, *tally.read(path))
    assert len(verdicts) == forks + 1
    ledger.enter(f"forks, {how}, {what}", verdicts.values())
    for role, verdict in verdicts.items():
        assert verdict.good, f"{role}: {verdict}"
        assert verdict.returned > 0 or (how == "beside a thread" and role != "parent")


def test_a_fork_while_the_sender_makes_its_first_view(tmp_path: Path, daemon: Daemon) -> None:
    """pyzmq then holds a lock of its own, in order to start a thread, and the child has it held."""
    daemon.start()
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED_AT_THE_FIRST_VIEW]
    subprocess.run([*command, str(tmp_path / "run")], timeout=60, check=True)
