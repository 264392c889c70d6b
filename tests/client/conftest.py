"""Each test has a runtime directory of its own, and leaves no daemon and no thread behind."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tbxd_client import SummaryWriter, clients, roles
from tbxd_client.launch import is_running
from tbxd_wire import places
from tbxd_wire.records import Record
from tests.waiting import wait_until

from .leftovers import Logged, read_all


@pytest.fixture
def runtime_directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield a private directory with a short path, named by ``$TBXD_DIR``; no daemon is started.

    A test that wants a daemon uses ``autostart`` beside it.
    """
    directory = tempfile.mkdtemp(prefix="tbxd-")
    monkeypatch.setenv(places.DIRECTORY_VARIABLE, directory)
    monkeypatch.setenv(places.AUTOSTART_VARIABLE, "0")
    for name in (
        places.JOURNAL_LIMIT_VARIABLE,
        places.JOURNAL_FULL_VARIABLE,
        places.JOB_VARIABLE,
        *roles.RANK_VARIABLES,
    ):
        monkeypatch.delenv(name, raising=False)
    yield directory
    _end_client(directory)
    _end_daemon(directory)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def autostart(runtime_directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let writers of this test start a daemon."""
    monkeypatch.setenv(places.AUTOSTART_VARIABLE, "1")


@pytest.fixture
def run(tmp_path: Path) -> str:
    return str(tmp_path / "run")


@pytest.fixture
def writer(runtime_directory: str, run: str) -> SummaryWriter:
    return SummaryWriter(run)


@pytest.fixture
def logged(runtime_directory: str) -> Logged:
    """Return a function that returns all records of this test that lie in journals."""

    def read() -> list[Record]:
        return [record for each in read_all(runtime_directory) for record in each.records]

    return read


def _end_client(directory: str) -> None:
    """End this process's sessions and its link in ``directory``."""
    ended = clients._clients._by_directory.pop(directory, None)
    if ended is not None:
        ended.close_all(0.0)
        ended._link.stop(5.0)


def _end_daemon(directory: str) -> None:
    """End the daemon that a test has started in ``directory``."""
    if not is_running(directory):
        return
    with open(os.path.join(directory, places.DAEMON_LOCK), encoding="ascii") as file:
        pid = int(file.read().split()[1].rstrip(","))
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not is_running(directory), f"daemon {pid} to end")
