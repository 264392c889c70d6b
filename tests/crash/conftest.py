"""One runtime directory and one daemon for each test here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from tbxd_wire import places
from tests.ending import end_clients

from .field import Daemon, Trainers
from .ledger import Ledger

_ledger = pytest.StashKey[Ledger]()


def pytest_configure(config: pytest.Config) -> None:
    """Open the summary of this session."""
    config.stash[_ledger] = Ledger()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Show it, if there was any attack."""
    if config.stash[_ledger].rows:
        terminalreporter.ensure_newline()
        config.stash[_ledger].show(Console(width=140))


@pytest.fixture
def ledger(pytestconfig: pytest.Config) -> Ledger:
    """Where the attacks enter what they cost."""
    return pytestconfig.stash[_ledger]


@pytest.fixture
def kills(pytestconfig: pytest.Config) -> int:
    """How often each attack is repeated."""
    return 500 if pytestconfig.getoption("long") else 20


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """A runtime directory in which trainers start a daemon when they need one."""
    directory = tmp_path / "rt"
    directory.mkdir(mode=0o700)
    monkeypatch.setenv(places.DIRECTORY_VARIABLE, str(directory))
    monkeypatch.setenv(places.NOTES_VARIABLE, "1")
    found = Daemon(directory)
    yield found
    end_clients()
    found.stop()


@pytest.fixture
def trainers(tmp_path: Path) -> Iterator[Trainers]:
    """Starts trainers, none of which outlives the test."""
    started = Trainers(tmp_path)
    yield started
    started.end()
