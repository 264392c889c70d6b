"""Processes that have the same pid: each has its own session, journal, role and fate."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tbxd.ask import ask
from tbxd_wire import places
from tests.waiting import wait_until

from . import tally
from .field import Daemon
from .judge import event_files, judge, lifecycle
from .ledger import Ledger

_TRAIN = """
import sys
from tests.crash.producer import Habits, main
main({}, sys.argv[1], sys.argv[2], habits=Habits(burst=20, pause_s=0.01))
"""

_PICKLE = """
import pickle, sys, time
from tbxd_client import SummaryWriter
writer = SummaryWriter(sys.argv[1])
writer.add_scalar("tag", 0.0, 0)
writer.flush()
with open(sys.argv[2], "wb") as file:
    pickle.dump(writer, file)
"""

_UNPICKLE = """
import pickle, sys
with open(sys.argv[2], "rb") as file:
    writer = pickle.load(file)
writer.add_scalar("tag", 1.0, 0)
writer.close()
print(writer.stats()["role"])
"""


def program(text: str, *arguments: str | Path) -> list[str]:
    """Return the command of a Python program that is process 1 of a namespace of its own."""
    alone = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    return [*alone, sys.executable, "-c", text, *map(str, arguments)]


@pytest.fixture(autouse=True)
def namespaces() -> None:
    """Skip where there are none."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root can make pid namespaces, with unshare")
    made = subprocess.run(program("", ""), capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"no pid namespace can be made here: {made.stderr.strip()}")


@contextlib.contextmanager
def training(root: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a trainer that logs into ``root/name``, as process 1."""
    process = subprocess.Popen(program(_TRAIN, root / name, root / f"{name}.tally"))
    try:
        wait_until(lambda: tally.read(root / f"{name}.tally")[1] > 300, "the trainer logs")
        yield process
    finally:
        process.kill()
        process.wait()


def sessions(daemon: Daemon) -> dict[str, dict[str, Any]]:
    """Return what the daemon says of its sessions, by the name of the run."""
    return {Path(each["run"]).name: each for each in ask(str(daemon.directory))["sessions"]}


def owners(daemon: Daemon) -> set[str]:
    """Return the sessions whose journals lie in the directory."""
    return {name.partition(".")[0] for name in daemon.journals()}


def test_the_journal_of_a_dead_process_is_not_that_of_a_living_one_with_its_pid(
    tmp_path: Path, daemon: Daemon, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One that a trainer started would end with the trainer's namespace.
    monkeypatch.setenv(places.AUTOSTART_VARIABLE, "0")
    daemon.start()
    with training(tmp_path, "first") as first:
        # The daemon looks away while one takes the other's place.
        wait_until(lambda: "first" in sessions(daemon), "it has said hello")
        daemon.signal(signal.SIGSTOP)
        first.kill()
        first.wait()
    (left,) = owners(daemon)
    with training(tmp_path, "second"):
        assert len(owners(daemon)) == 2
        daemon.signal(signal.SIGCONT)
        wait_until(lambda: left not in owners(daemon), "the dead one's journal is taken over")
        wait_until(lambda: len(sessions(daemon)) == 2, "the living one has said hello")
        found = sessions(daemon)
        assert [found[name]["pid"] for name in ("first", "second")] == [1, 1]
        assert [found[name]["state"] for name in ("first", "second")] == ["died", "live"]
        assert owners(daemon) == {found["second"]["session"]}
        wait_until(lambda: len(lifecycle(tmp_path / "first")) == 2, "its run says that it died")
        # Whoever takes it up has to tell them apart, too.
        daemon.kill()
        daemon.start()
        wait_until(lambda: "second" in sessions(daemon), "it has said hello again")
        assert sessions(daemon)["second"]["state"] == "live"
        assert "first" not in sessions(daemon)
    daemon.settle()
    verdicts = [judge(tmp_path / n, *tally.read(tmp_path / f"{n}.tally")) for n in found]
    ledger.enter("two trainers of one pid, SIGKILLed", verdicts)
    assert all(verdict.good for verdict in verdicts), verdicts
    daemon.stop()
    for name in found:
        started, died = lifecycle(tmp_path / name)
        assert started.startswith("**started**\n\npid 1 on ")
        assert died.startswith("**died**")


def test_who_unpickles_a_writer_elsewhere_is_another_author_also_with_its_pid(
    tmp_path: Path, daemon: Daemon
) -> None:
    run, pickled = tmp_path / "run", tmp_path / "pickled"
    subprocess.run(program(_PICKLE, run, pickled), check=True)
    second = subprocess.run(
        program(_UNPICKLE, run, pickled), check=True, capture_output=True, text=True
    )
    assert second.stdout == "pid1\n"
    assert len(event_files(run)) == len(event_files(run / "pid1")) == 1
