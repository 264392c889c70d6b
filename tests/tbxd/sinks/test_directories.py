"""Directories that may be written and not listed: what is made there is synced all the same."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tbxd.sinks import directories, projector
from tbxd.sinks.descriptors import Descriptors
from tbxd.sinks.event_file import EventFile
from tests.tbxd.sinks.test_event_file import buffer
from tests.tbxd.sinks.test_projector import projection


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that nobody can open. (As root, a test may open any.)"""
    box = tmp_path / "box"
    box.mkdir()
    plain = os.open

    def refusing(path: str, flags: int, *arguments: Any, **options: Any) -> int:
        descriptor = plain(path, flags, *arguments, **options)
        if not flags & os.O_PATH and os.readlink(f"/proc/self/fd/{descriptor}") == str(box):
            os.close(descriptor)
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return descriptor

    monkeypatch.setattr(os, "open", refusing)
    return box


@pytest.fixture
def synced_whole(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of what the whole file system was synced."""
    found: list[str] = []
    plain: Callable[[int], None] = directories._sync_all

    def noting(descriptor: int) -> None:
        found.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        plain(descriptor)

    monkeypatch.setattr(directories, "_sync_all", noting)
    return found


def test_an_event_file_is_synced_with_all_else_there(box: Path, synced_whole: list[str]) -> None:
    file = EventFile(str(box / "run"), Descriptors(), host="h")
    file.append(buffer("a"))
    file.sync()
    assert file.synced == file.written
    assert synced_whole == [file.path]
    # Its names are there now.
    file.append(buffer("b"))
    file.sync()
    assert len(synced_whole) == 1
    file.close()


def test_an_embedding_is_synced_with_all_else_there(box: Path, synced_whole: list[str]) -> None:
    projector.write(str(box / "run"), projection(3))
    assert synced_whole == [str(box / "run" / "00001" / "tag")]


def test_a_file_system_that_cannot_be_synced_is_an_error(box: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    os.close(write)
    with pytest.raises(OSError, match="Bad file descriptor"):
        directories.sync(str(box), write)
