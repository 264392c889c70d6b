"""Calls of a writer, interrupted at each of their lines by what logs, closes or forks itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .field import Daemon
from .judge import judge_each, records
from .ledger import Ledger


@pytest.mark.parametrize(
    ("call", "deed"),
    [
        ("the first record", "logs"),
        ("the first record", "logs and closes"),
        ("the first record", "forks"),
        ("the first record", "forks untold"),
        ("an array", "forks untold"),
        ("an array", "logs, closes and exits"),
        ("flush", "logs and closes"),
        ("close", "logs"),
        ("close", "logs and closes"),
    ],
)
def test_at_each_line(
    tmp_path: Path,
    daemon: Daemon,
    ledger: Ledger,
    pytestconfig: pytest.Config,
    call: str,
    deed: str,
) -> None:
    """A handler cannot wait for what it interrupts: nothing is lost or left open all the same."""
    daemon.start()
    run = tmp_path / "run"
    stride = "1" if pytestconfig.getoption("long") or "forks" not in deed else "3"
    command = [sys.executable, "-m", "tests.crash.interrupted", call, deed, stride, str(run)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    attempts = int(ended.stdout)
    assert attempts > 20
    daemon.settle()
    # At the last attempt the call was over before its turn came.
    counts = {"main": attempts} | ({} if "forks" in deed else {"handler": attempts - 1})
    verdicts = judge_each(run, counts)
    if "forks" in deed:
        children = [path for path in run.iterdir() if path.is_dir()]
        steps = [step for path in children for tag, step, _ in records(path) if tag == "child"]
        assert sorted(steps) == list(range(attempts - 1))
    # Whether the record that was interrupted is there, nobody can say.
    verdicts.pop("array", None)
    ledger.enter(f"{call}: a handler {deed}", verdicts.values())
    for tag, verdict in verdicts.items():
        assert verdict.good, f"{tag}: {verdict}"
