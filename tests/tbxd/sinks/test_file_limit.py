"""Files that must not become larger: what does not fit goes into another, once and in order."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tbxd.encode.scalar import encode
from tbxd.reading.events import event_files, events_of
from tbxd.sinks.descriptors import Descriptors
from tbxd.sinks.event_file import EventFile
from tbxd.sinks.run_directory import RunDirectory
from tests.tbxd.sinks.test_event_file import buffer, content, expected

from . import writing

_LIMIT_BYTES = 400
"""A header and a handful of buffers."""

_LARGE = "x" * _LIMIT_BYTES
"""The text of a buffer that no file can take."""


@contextlib.contextmanager
def file_limit(size: int = _LIMIT_BYTES) -> Iterator[None]:
    """Let no file of this process become larger. (Python ignores the signal for it.)"""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., EventFile]]:
    made: list[EventFile] = []

    def make_one(*, doubting: bool = False) -> EventFile:
        made.append(EventFile(str(tmp_path / "run"), Descriptors(), host="h", doubting=doubting))
        return made[-1]

    yield make_one
    for file in made:
        file.close()


Make = Callable[..., EventFile]


def write(file: EventFile, *texts: str) -> None:
    for text in texts:
        file.append(buffer(text))


def contents(file: EventFile) -> list[list[bytes]]:
    """Return what each file holds; fail if there is more than whole buffers."""
    found = []
    for path in event_files(file.directory):
        data = content(path)
        assert len(data) % 3 == 0
        found.append(data)
    return found


def joined(file: EventFile) -> list[bytes]:
    return list(itertools.chain(*contents(file)))


def test_what_does_not_fit_goes_into_the_next_file(make: Make) -> None:
    file = make()
    texts = [str(number) for number in range(40)]
    with file_limit():
        write(file, *texts)
    assert (file.trouble, file.written) == (None, file.appended)
    assert joined(file) == expected(*texts)
    assert len(contents(file)) > 5
    assert all(contents(file))
    # Nothing torn is left at the end of any of them.
    whole = len(buffer("00"))
    for path in event_files(file.directory):
        assert _LIMIT_BYTES - whole <= os.path.getsize(path) <= _LIMIT_BYTES or path == file.path
    file.sync()
    assert file.synced == file.written


def test_only_what_was_cut_off_goes_on(make: Make) -> None:
    """Of a round that was torn by the limit, no event is left in the old file."""
    file = make()
    write(file, "a")
    assert file.path is not None
    old, size = file.path, os.path.getsize(file.path)
    # Two of the three records of the next buffer fit.
    with file_limit(size + len(buffer("b")) - 5):
        write(file, "b")
    assert contents(file) == [expected("a"), expected("b")]
    assert os.path.getsize(old) == size


@pytest.mark.parametrize("limit", [0, 10, _LIMIT_BYTES])
def test_a_new_file_that_cannot_take_it_either_is_trouble(make: Make, limit: int) -> None:
    file = make()
    with file_limit(limit):
        write(file, _LARGE)
        for _ in range(3):
            assert not file.retry()
            assert file.trouble == f"{os.strerror(errno.EFBIG)}: {file.path}"
            assert len(os.listdir(file.directory)) == 1
    assert file.retry()
    assert contents(file) == [expected(_LARGE)]


def test_it_is_the_next_file_that_is_kept_then(make: Make) -> None:
    file = make()
    write(file, "a")
    with file_limit():
        write(file, _LARGE, "b")
        for _ in range(3):
            assert not file.retry()
            assert len(os.listdir(file.directory)) == 2
    assert file.retry()
    assert contents(file) == [expected("a"), expected(_LARGE, "b")]


def test_a_cut_that_fails_is_tried_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile nothing goes into the file, though there may be room by then."""
    file = make()
    write(file, "a")

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with file_limit():
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", fail)
            write(file, *"bcdefgh")
            assert not file.retry()
            assert "Input/output error" in (file.trouble or "")
        assert len(contents(file)) == 1
        assert file.retry()
    assert joined(file) == expected(*"abcdefgh")


def test_what_is_left_is_synced_before_anything_is_in_the_next(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut could leave the same records in both."""
    file = make()
    done: list[str] = []

    def noting(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(descriptor: int, *arguments: Any) -> Any:
            place = os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), file.directory)
            done.append(f"{name} {place if place.startswith('.') else 'file'}")
            return real(descriptor, *arguments)

        return call

    for name in ("ftruncate", "fdatasync", "fsync", "write"):
        monkeypatch.setattr(os, name, noting(name, getattr(os, name)))
    write(file, "a")
    with file_limit():
        write(file, _LARGE)
    monkeypatch.undo()
    # Written whole, in part, and not at all.
    assert done[:3] == ["write file"] * 3
    # The directory that was made, and so its parent, were not synced yet.
    assert (done[3:5], sorted(done[5:7])) == (
        ["ftruncate file", "fdatasync file"],
        ["fsync .", "fsync .."],
    )
    assert done[7] == "write file"


def test_a_doubting_file_is_left_when_it_is_synced(make: Make) -> None:
    file = make(doubting=True)
    with file_limit():
        write(file, *"abcdefgh")
        assert not file.retry()
        assert len(contents(file)) == 1
        file.sync()
        file.trust()
        assert file.retry()
    assert joined(file) == expected(*"abcdefgh")
    assert len(contents(file)) == 2


def test_and_if_it_cannot_be_synced_all_of_it_goes_on(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make(doubting=True)

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with file_limit():
        write(file, *"abcdefgh")
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", fail)
            with pytest.raises(OSError, match="Input/output"):
                file.sync()
            file.distrust()
        # Once for the cut, and once for the file that is full again.
        assert not file.retry()
        file.sync()
        file.trust()
        assert file.retry()
    assert joined(file) == expected(*"abcdefgh")
    assert len(contents(file)) == 2


def test_a_full_file_that_was_taken_away_is_left_alone(make: Make, tmp_path: Path) -> None:
    file = make()
    write(file, *"ab")
    with file_limit():
        write(file, _LARGE)
        assert file.path is not None
        shutil.move(file.directory, tmp_path / "moved")
    assert file.retry()
    assert contents(file) == [expected(_LARGE)]
    assert content(event_files(str(tmp_path / "moved"))[0]) == expected(*"ab")


class Killed(BaseException):
    """Stands for the end of the process: nobody tidies up behind it."""


@contextlib.contextmanager
def killed_at(number: int) -> Iterator[Callable[[], bool]]:
    """Have the call of that number to the system, counted from 1, be the last; not made any more.

    Yields:
        Whether there were so many.
    """
    made = 0

    def failing(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal made
            made += 1
            if made >= number:
                raise Killed
            return real(*arguments, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "write", "ftruncate", "fdatasync", "fsync", "unlink", "mkdir"):
            patch.setattr(os, name, failing(getattr(os, name)))
        with contextlib.suppress(Killed):
            yield lambda: made >= number


_SESSION = b"s" * 16
_ROUNDS, _ROUND = 6, 4
"""So many rounds of so many events, whose frames are one byte long each."""


def go_on(directory: RunDirectory, acknowledged: int) -> Iterator[int]:
    """Log what is not acknowledged, from there on; yield what can be by then."""
    directory.resume(_SESSION)
    for begin in range(acknowledged, _ROUNDS * _ROUND, _ROUND):
        events = []
        for step in range(begin, begin + _ROUND):
            progress = directory.progress.get(_SESSION)
            if progress is None or not progress.written(step):
                events.append(encode("tag", step, 1.0, 0.0))
        directory.add(_SESSION, begin, begin + _ROUND, events)
        ticket = writing.write(directory, 0.0)
        assert ticket is None or ticket.committed(), directory.trouble
        yield begin + _ROUND


def test_a_kill_at_any_instant_loses_nothing_and_writes_nothing_twice(tmp_path: Path) -> None:
    """The limit tears rounds after each number of events; both daemons meet it."""
    files = set()
    for size in range(380, 540, 40):
        for number in itertools.count(1):
            path = str(tmp_path / f"{size}-{number}")
            acknowledged = 0
            with file_limit(size):
                directory = RunDirectory(path, writing.patient_disk(), host="h")
                with killed_at(number) as is_killed:
                    for end in go_on(directory, 0):
                        acknowledged = end
                killed = is_killed()
                directory.close()
                directory.disk.close()
                directory = RunDirectory(path, writing.patient_disk(), host="h")
                for _ in go_on(directory, acknowledged):
                    pass
                directory.close()
                directory.disk.close()
            found = [event.step for event in events_of(path) if event.HasField("summary")]
            assert found == list(range(_ROUNDS * _ROUND)), (size, number)
            files.add(len(event_files(path)))
            if not killed:
                break
        assert number > 20
    assert min(files) > 1
