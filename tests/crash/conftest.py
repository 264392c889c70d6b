"""One runtime directory and one daemon for each test here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tbxd_wire import places

from .field import Daemon, Trainers


@pytest.fixture
def kills() -> int:
    """How often each attack is repeated."""
    return int(os.environ.get("TBXD_CRASH_KILLS", 50))


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """A runtime directory in which trainers start a daemon when they need one."""
    directory = tmp_path / "rt"
    directory.mkdir(mode=0o700)
    monkeypatch.setenv(places.DIRECTORY_VARIABLE, str(directory))
    monkeypatch.setenv(places.NOTES_VARIABLE, "1")
    found = Daemon(directory)
    yield found
    found.stop()


@pytest.fixture
def trainers(tmp_path: Path) -> Iterator[Trainers]:
    """Starts trainers, none of which outlives the test."""
    started = Trainers(tmp_path)
    yield started
    started.end()
