"""The whole demo, as a user starts it; and what it says when a promise is not kept."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from tbxd.ask import ask
from tbxd.cli import demo
from tbxd.lock import daemon_is_there
from tests.waiting import wait_until

_TIMEOUT_S = 120.0


@pytest.fixture
def runtime_directory() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="tbxd-") as directory:
        yield directory
        if daemon_is_there(directory):
            os.kill(ask(directory)["daemon"]["pid"], signal.SIGTERM)
            wait_until(lambda: not daemon_is_there(directory), "the daemon leaves")


def _demo(
    logdir: Path, runtime_directory: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-P", "-m", "tbxd", "demo"),
            *("--logdir", str(logdir), "--directory", runtime_directory),
        ],
        env={**os.environ, "COLUMNS": "100", **environment},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )


def _sums(output: str) -> list[int]:
    """Return calls returned, found, lost and twice of all processes together."""
    (line,) = (line for line in output.splitlines() if line.split()[:1] == ["all"])
    return [int(cell.replace(",", "")) for cell in line.split()[1:]]


def _seen_by_tensorboard(run: Path) -> int:
    return sum(
        len(event.summary.value)
        for path in run.rglob("*tfevents*")
        for event in EventFileLoader(str(path)).Load()
    )


def test_nothing_is_lost_and_it_says_so(tmp_path: Path, runtime_directory: str) -> None:
    logdir = tmp_path / "new" / "runs"
    done = _demo(logdir, runtime_directory)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "Nothing lost, nothing twice." in done.stdout
    assert f"tensorboard --logdir {logdir}" in done.stdout
    (run,) = logdir.iterdir()
    assert sorted(path.name for path in run.iterdir() if path.is_dir()) == [
        "loader0", "loader1", "loader2",
    ]  # fmt: skip
    returned, found, lost, twice = _sums(done.stdout)
    assert (lost, twice) == (0, 0)
    assert found - returned in (0, 1)
    assert returned > 100_000
    assert _seen_by_tensorboard(run) == found
    assert re.search(r"^ *loader1 +\d+ +SIGKILL ", done.stdout, re.MULTILINE)
    learned = re.search(r"([\d.]+)% of the unseen digits told right", done.stdout)
    assert learned is not None
    assert float(learned[1]) > 95


def test_what_is_lost_is_counted_and_is_the_exit_code(
    tmp_path: Path, runtime_directory: str
) -> None:
    # The journal of a process holds a fraction of what a loader logs in one go.
    done = _demo(tmp_path / "runs", runtime_directory, TBXD_JOURNAL_LIMIT="64KiB")
    assert done.returncode == 1, done.stdout + done.stderr
    returned, found, lost, twice = _sums(done.stdout)
    assert lost > 0
    assert twice == 0
    assert returned - lost - found in (0, -1)
    assert "Nothing lost" not in done.stdout


def test_a_training_that_fails_is_no_success(tmp_path: Path, runtime_directory: str) -> None:
    done = _demo(tmp_path / "runs", runtime_directory, TBXD_JOURNAL_LIMIT="a lot")
    assert done.returncode == 1
    assert "TBXD_JOURNAL_LIMIT: expected a size" in done.stderr
    assert "tbxd: the training ended with exit code 2; nothing was counted" in done.stderr


def test_a_place_where_no_run_can_be(tmp_path: Path, runtime_directory: str) -> None:
    (tmp_path / "file").touch()
    done = _demo(tmp_path / "file" / "runs", runtime_directory)
    assert done.returncode == 1
    assert done.stderr == f"Error: {tmp_path}/file/runs: Not a directory\n"


def test_each_run_has_a_directory_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.strftime", lambda _: "now")
    made = [demo._fresh_run(str(tmp_path / "runs")) for _ in range(3)]
    assert made == [str(tmp_path / "runs" / name) for name in ("now", "now-2", "now-3")]
    assert all(os.path.isdir(path) for path in made)
