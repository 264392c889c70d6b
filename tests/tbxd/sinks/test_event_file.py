"""One event file against a disk that fails in every way that can be arranged."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd.format.tfrecord import frame
from tbxd.reading.events import event_files, events
from tbxd.reading.records import RecordFile
from tbxd.sinks import creation
from tbxd.sinks.descriptors import Descriptors
from tbxd.sinks.event_file import EventFile
from tbxd_wire.errors import RecordError


class Disk:
    """Stands for ``os.write``: takes as much as the script says, or fails."""

    def __init__(self) -> None:
        self.write = os.write
        self.script: list[int | OSError] = []
        self.calls: list[int] = []

    def __call__(self, descriptor: int, data: memoryview) -> int:
        self.calls.append(len(data))
        if self.script:
            allowed = self.script.pop(0)
            if isinstance(allowed, OSError):
                raise allowed
            return self.write(descriptor, data[:allowed])
        return self.write(descriptor, data)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    fake = Disk()
    monkeypatch.setattr(os, "write", fake)
    return fake


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., EventFile]]:
    made: list[EventFile] = []

    def make_one(
        directory: str = "run", descriptors: Descriptors | None = None, suffix: str = ""
    ) -> EventFile:
        file = EventFile(
            str(tmp_path / directory),
            descriptors or Descriptors(),
            host="host",
            suffix=suffix,
            clock=lambda: 1_700_000_000.0,
        )
        made.append(file)
        return file

    yield make_one
    for file in made:
        file.close()


def full(number: int = errno.ENOSPC) -> OSError:
    return OSError(number, os.strerror(number))


def buffer(text: str) -> bytes:
    return frame([f"{text} {number}".encode() for number in range(3)])


def content(path: str) -> list[bytes]:
    """Return the data of all whole records but the header."""
    with RecordFile(path) as file:
        return [data for _, data in file.walk()][1:]


def expected(*texts: str) -> list[bytes]:
    return [f"{text} {number}".encode() for text in texts for number in range(3)]


def only_file(directory: str) -> str:
    (path,) = event_files(directory)
    return path


Make = Callable[..., EventFile]


def test_nothing_is_made_before_the_first_append(make: Make, tmp_path: Path) -> None:
    file = make()
    file.sync()
    assert file.retry()
    assert list(tmp_path.iterdir()) == []
    assert file.path is None


def test_header_and_first_buffer_are_one_write(make: Make, disk: Disk) -> None:
    file = make("deep/er/run", suffix=".sfx")
    first = buffer("a")
    assert file.append(first) == len(first)
    assert len(disk.calls) == 1
    second = buffer("b")
    assert file.append(second) == len(first) + len(second)
    assert len(disk.calls) == 2
    assert file.written == file.appended == len(first) + len(second)
    assert not file.pending
    path = only_file(file.directory)
    assert path == file.path
    name = os.path.basename(path)
    assert name.startswith(f"events.out.tfevents.1700000000.host.{os.getpid()}.")
    assert name.endswith(".sfx")
    assert content(path) == expected("a", "b")


def test_the_first_event_says_what_follows(make: Make) -> None:
    file = make()
    file.append(frame([b""]))
    first, _ = events(only_file(file.directory))
    assert first.file_version == "brain.Event:2"
    assert first.source_metadata.writer == "tbxd"
    assert first.wall_time == 1_700_000_000.0


def test_files_of_one_directory_sort_in_the_order_of_their_making(make: Make) -> None:
    paths = []
    for number in range(12):
        file = make()
        file.append(buffer(str(number)))
        paths.append(file.path)
    assert paths == event_files(make().directory)


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EAGAIN, errno.EFBIG]
)
def test_what_was_not_taken_goes_on_to_the_byte(make: Make, disk: Disk, number: int) -> None:
    file = make()
    disk.script = [30, full(number)]
    first = file.append(buffer("a"))
    assert file.pending
    assert file.written == 0
    assert file.trouble == f"{os.strerror(number)}: {file.path}"
    second = file.append(buffer("b"))
    assert len(disk.calls) == 2, "a later buffer must wait for the one before"
    disk.script = [1, 2, full(number)]
    assert not file.retry()
    disk.script = []
    assert file.retry()
    assert file.trouble is None
    assert file.written == second > first
    assert file.pending_bytes == 0
    assert content(only_file(file.directory)) == expected("a", "b")


@given(st.lists(st.integers(0, 120), max_size=60), st.integers(1, 5))
def test_any_sequence_of_short_writes_and_failures_gives_the_same_file(
    taken: list[int], buffers: int
) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as directory:
        fake = Disk()
        patch.setattr(os, "write", fake)
        file = EventFile(directory, Descriptors(), host="host")
        fake.script = [count or full() for count in taken]
        offsets = [file.append(buffer(str(number))) for number in range(buffers)]
        while not file.retry():
            done = sum(offset <= file.written for offset in offsets)
            assert file.path is not None
            assert content(file.path)[: 3 * done] == expected(*map(str, range(done)))
        assert content(only_file(directory)) == expected(*map(str, range(buffers)))
        assert file.written == offsets[-1]
        file.close()


def test_a_directory_that_cannot_be_made_is_trouble_until_it_can(
    make: Make, tmp_path: Path
) -> None:
    (tmp_path / "in the way").touch()
    file = make("in the way/run")
    end = file.append(buffer("a"))
    assert file.trouble == f"Not a directory: {file.directory}"
    assert file.written == 0
    (tmp_path / "in the way").unlink()
    assert file.retry()
    assert file.written == end
    assert content(only_file(file.directory)) == expected("a")


def test_a_full_disk_at_creation_leaves_one_file(make: Make, disk: Disk) -> None:
    file = make()
    disk.script = [full(), full(), full()]
    file.append(buffer("a"))
    file.retry()
    file.retry()
    assert file.retry()
    assert content(only_file(file.directory)) == expected("a")


@pytest.mark.parametrize("lost", ["deleted", "directory deleted", "moved", "replaced"])
def test_a_lost_file_is_followed_by_a_new_one(make: Make, tmp_path: Path, lost: str) -> None:
    file = make()
    file.append(buffer("a"))
    old = only_file(file.directory)
    if lost == "deleted":
        os.unlink(old)
    elif lost == "directory deleted":
        shutil.rmtree(file.directory)
    elif lost == "moved":
        os.rename(file.directory, tmp_path / "elsewhere")
    else:
        os.rename(old, tmp_path / "kept")
        Path(old).write_bytes(b"something else")
    end = file.append(buffer("b"))
    assert file.written == end
    assert file.path is not None
    assert content(file.path) == expected("b")
    if lost == "replaced":
        assert Path(old).read_bytes() == b"something else"
        assert file.path > old
    if lost == "moved":
        assert content(only_file(str(tmp_path / "elsewhere"))) == expected("a")


def test_what_is_pending_when_the_file_is_lost_is_written_whole_into_the_next(
    make: Make, disk: Disk
) -> None:
    file = make()
    done = file.append(buffer("a"))
    disk.script = [20, full()]
    file.append(buffer("b"))
    end = file.append(buffer("c"))
    assert file.written == done
    shutil.rmtree(file.directory)
    assert file.retry()
    assert file.written == end
    assert content(only_file(file.directory)) == expected("b", "c")


def test_an_idle_file_is_closed_and_opened_again(make: Make) -> None:
    descriptors = Descriptors(limit=1)
    first, second = make("first", descriptors), make("second", descriptors)
    for text in "abc":
        first.append(buffer(text))
        second.append(buffer(text))
        assert descriptors.count == 1
    assert content(only_file(first.directory)) == expected("a", "b", "c")
    assert content(only_file(second.directory)) == expected("a", "b", "c")


def test_a_file_with_something_pending_may_be_closed_too(make: Make, disk: Disk) -> None:
    descriptors = Descriptors(limit=1)
    first, second = make("first", descriptors), make("second", descriptors)
    disk.script = [25, full()]
    first.append(buffer("a"))
    second.append(buffer("b"))
    assert first.retry()
    assert content(only_file(first.directory)) == expected("a")


@pytest.mark.parametrize("change", ["grown", "cut"])
def test_a_closed_file_that_somebody_changed_is_left_alone(make: Make, change: str) -> None:
    file = make()
    file.append(buffer("a"))
    old = only_file(file.directory)
    file.close()
    if change == "grown":
        with open(old, "ab") as other:
            other.write(b"x")
    else:
        os.truncate(old, 40)
    size = os.path.getsize(old)
    file.append(buffer("b"))
    assert os.path.getsize(old) == size
    assert file.path is not None
    assert file.path > old
    assert content(file.path) == expected("b")


def test_sync_covers_what_was_written_before_it(
    make: Make, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make()
    first = file.append(buffer("a"))
    assert file.synced == 0
    sync = os.fdatasync

    def sync_and_write(descriptor: int) -> None:
        sync(descriptor)
        file.append(buffer("b"))

    monkeypatch.setattr(os, "fdatasync", sync_and_write)
    file.sync()
    assert file.synced == first < file.written
    monkeypatch.setattr(os, "fdatasync", sync)
    file.sync()
    assert file.synced == file.written


def test_the_directories_that_were_made_are_synced_with_their_parents(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    file = make("deep/run")
    file.append(buffer("a"))
    file.sync()
    assert sorted(synced) == sorted(str(tmp_path / place) for place in ("", "deep", "deep/run"))
    file.append(buffer("b"))
    file.sync()
    assert len(synced) == 3


def test_a_closed_file_can_be_synced(make: Make) -> None:
    file = make()
    end = file.append(buffer("a"))
    file.close()
    file.sync()
    assert file.synced == end


@pytest.mark.parametrize("closed", [True, False])
def test_a_deleted_file_holds_no_sync_up(make: Make, closed: bool) -> None:
    file = make()
    end = file.append(buffer("a"))
    shutil.rmtree(file.directory)
    if closed:
        file.close()
    file.sync()
    assert file.synced == end


def test_a_sync_that_fails_covers_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    file = make()
    file.append(buffer("a"))

    def fail(descriptor: int) -> None:
        raise full(errno.EIO)

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        file.sync()
    assert file.synced == 0


def test_syncing_beside_writing_and_closing(make: Make) -> None:
    """One thread syncs while the other has its files closed under it all the time."""
    descriptors = Descriptors(limit=1)
    files = [make("first", descriptors), make("second", descriptors)]
    failures: list[BaseException] = []
    stop = threading.Event()

    def sync_all() -> None:
        try:
            while not stop.is_set():
                for file in files:
                    file.sync()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=sync_all)
    thread.start()
    for number in range(200):
        for file in files:
            file.append(buffer(str(number)))
    stop.set()
    thread.join()
    assert failures == []
    for file in files:
        file.sync()
        assert file.synced == file.written
        assert content(only_file(file.directory)) == expected(*map(str, range(200)))


def test_names_that_are_taken_are_passed_over(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may take a name between the listing and the opening."""
    file = make()
    listing = os.listdir
    calls = 0

    def old_listing(directory: int) -> list[str]:
        nonlocal calls
        calls += 1
        return [] if calls <= 2 else listing(directory)

    os.mkdir(file.directory)
    names = []
    for number in range(2):
        names.append(f"events.out.tfevents.1700000000.host.{os.getpid()}.{number}")
        Path(file.directory, names[-1]).touch()
    monkeypatch.setattr(os, "listdir", old_listing)
    monkeypatch.setattr(creation, "_numbers", iter(range(10)))
    file.append(buffer("a"))
    assert calls == 3
    assert file.path is not None
    assert os.path.basename(file.path) > max(names)


def test_names_that_are_always_taken_are_trouble(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make()
    monkeypatch.setattr(creation, "event_file_name", lambda *arguments: "tfevents")
    os.mkdir(file.directory)
    Path(file.directory, "tfevents").touch()
    file.append(buffer("a"))
    assert file.trouble is not None
    assert "names for an event file are taken" in file.trouble


def test_an_empty_buffer_is_a_mistake(make: Make) -> None:
    with pytest.raises(ValueError, match="nothing to append"):
        make().append(b"")


def test_a_suffix_that_leads_elsewhere_is_refused(make: Make) -> None:
    with pytest.raises(RecordError):
        make(suffix="/../x")
