"""Each test has a runtime directory of its own, and leaves no daemon and no thread behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tbxd_client import SummaryWriter, roles
from tbxd_wire import places
from tbxd_wire.records import Record
from tests.ending import end_clients, end_daemon

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
    end_clients()
    end_daemon(directory)
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
