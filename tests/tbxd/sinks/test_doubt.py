"""What a failed sync leaves in doubt is written again, and what is synced is not."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tbxd.sinks.descriptors import Descriptors
from tbxd.sinks.event_file import EventFile
from tbxd.sinks.unsynced import Unsynced
from tests.tbxd.sinks.test_event_file import buffer, content, expected


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Have every sync fail from now on, or succeed again."""
    sync = os.fdatasync

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    return lambda fails: monkeypatch.setattr(os, "fdatasync", fail if fails else sync)


def file_in(directory: Path, *, doubting: bool = True) -> EventFile:
    return EventFile(str(directory), Descriptors(), host="host", doubting=doubting)


def written_to(file: EventFile, *texts: str) -> EventFile:
    for text in texts:
        file.append(buffer(text))
    return file


def sync_in_vain(file: EventFile) -> None:
    with pytest.raises(OSError, match="Input/output"):
        file.sync()
    file.distrust()


def files_in(directory: Path) -> list[list[bytes]]:
    return [content(str(path)) for path in sorted(directory.iterdir())]


def test_what_is_synced_stays_where_it_is(tmp_path: Path, failing: Callable[[bool], None]) -> None:
    file = written_to(file_in(tmp_path), "a", "b")
    file.sync()
    file.trust()
    synced = file.synced
    written_to(file, "c", "d")
    failing(True)
    sync_in_vain(file)
    assert file.pending
    assert (file.written, file.synced) == (synced, synced)
    assert "a sync failed" in (file.trouble or "")
    # As long as nobody knows whether the old file is cut, nothing is written to a new one.
    assert not file.retry()
    assert len(files_in(tmp_path)) == 1
    failing(False)
    assert file.retry()
    assert file.trouble is None
    end = file.append(buffer("e"))
    file.sync()
    assert file.synced == file.written == end
    assert files_in(tmp_path) == [expected("a", "b"), expected("c", "d", "e")]
    file.close()


def test_a_file_of_which_nothing_is_synced_goes(
    tmp_path: Path, failing: Callable[[bool], None]
) -> None:
    file = written_to(file_in(tmp_path), "a")
    for _ in range(2):
        failing(True)
        sync_in_vain(file)
        failing(False)
        assert file.retry()
    file.sync()
    assert files_in(tmp_path) == [expected("a")]
    assert file.synced == file.written
    file.close()


def test_a_file_to_which_a_link_leads_by_now_is_emptied(
    tmp_path: Path, failing: Callable[[bool], None]
) -> None:
    """It cannot be deleted where it was made, and what it holds must not be found twice."""
    file = written_to(file_in(tmp_path / "place"), "a")
    assert file.path is not None
    old = file.path
    (tmp_path / "place").rename(tmp_path / "moved")
    (tmp_path / "place").symlink_to("moved")
    failing(True)
    sync_in_vain(file)
    failing(False)
    assert file.retry(), file.trouble
    assert os.path.getsize(old) == 0
    assert files_in(tmp_path / "place") == [[], expected("a")]
    file.close()


def test_half_a_buffer_goes_too(
    tmp_path: Path, failing: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written_to(file_in(tmp_path), "a")
    file.sync()
    written_to(file, "b")
    write, left = os.write, [5]

    def write_some(descriptor: int, data: memoryview) -> int:
        if not left:
            raise OSError(errno.ENOSPC, "full")
        return write(descriptor, data[: left.pop()])

    monkeypatch.setattr(os, "write", write_some)
    written_to(file, "c")
    monkeypatch.setattr(os, "write", write)
    failing(True)
    sync_in_vain(file)
    failing(False)
    assert file.retry()
    assert files_in(tmp_path) == [expected("a"), expected("b", "c")]
    file.close()


def test_what_a_user_took_away_does_not_come_back(
    tmp_path: Path, failing: Callable[[bool], None]
) -> None:
    run = tmp_path / "run"
    file = written_to(file_in(run), "a", "b")
    run.rename(tmp_path / "moved")
    written_to(file, "c")
    failing(True)
    sync_in_vain(file)
    failing(False)
    assert file.retry()
    assert files_in(run) == [expected("c")]
    assert files_in(tmp_path / "moved") == [expected("a", "b")]
    file.close()


def test_a_file_that_was_not_told_to_doubt(tmp_path: Path, failing: Callable[[bool], None]) -> None:
    file = written_to(file_in(tmp_path, doubting=False), "a")
    failing(True)
    sync_in_vain(file)
    assert not file.pending
    assert files_in(tmp_path) == [expected("a")]
    file.close()


def test_nothing_is_kept_longer_than_it_is_in_doubt() -> None:
    unsynced = Unsynced()
    for text in (b"one", b"two", b"three"):
        unsynced.add(text)
    unsynced.forget(4)
    assert unsynced.begin == 3
    assert unsynced.take(4) == [b"two", b"three"]
    assert unsynced.take(0) == []
    assert unsynced.begin == 3
    unsynced.restart(11)
    unsynced.add(b"four")
    unsynced.forget(15)
    assert (unsynced.begin, unsynced.take(15)) == (15, [])
