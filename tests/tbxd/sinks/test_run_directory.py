from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tbxd.encode.scalar import encode
from tbxd.format import marks
from tbxd.format.marks import Section
from tbxd.proto.event_pb2 import Event
from tbxd.reading.events import event_files, events_of
from tbxd.reading.records import RecordFile
from tbxd.sinks.run_directory import RunDirectory
from tbxd_wire.errors import RecordError

from .writing import patient_disk, write

A, B = b"\xaa" * 16, b"\xbb" * 16
Make = Callable[[], RunDirectory]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[RunDirectory] = []

    def make_one() -> RunDirectory:
        made.append(RunDirectory(str(tmp_path / "run"), patient_disk(), host="host"))
        return made[-1]

    yield make_one
    for directory in made:
        directory.close()
        directory.disk.close()


def scalars(*steps: int) -> list[bytes]:
    return [encode("tag", step, 1.0, 0.5) for step in steps]


def written_steps(directory: RunDirectory) -> list[int]:
    return [event.step for event in events_of(directory.path) if event.HasField("summary")]


def written_marks(directory: RunDirectory) -> list[marks.Mark]:
    found = []
    for path in event_files(directory.path):
        with RecordFile(path) as file:
            found += [mark for _, data in file.walk() if (mark := marks.parse(data))]
    return found


def test_a_round_without_events_leaves_no_trace(make: Make, tmp_path: Path) -> None:
    directory = make()
    directory.resume(A)
    directory.add(A, 0, 100, [])
    assert write(directory, 1.0) is None
    assert list(tmp_path.iterdir()) == []
    assert directory.trouble is None


def test_a_round_is_one_mark_and_the_events_of_all_sessions(make: Make) -> None:
    directory = make()
    directory.add(A, 0, 100, scalars(1, 2))
    directory.add(B, 50, 90, scalars(10))
    directory.add(A, 100, 130, scalars(3))
    ticket = write(directory, 7.5)
    assert ticket is not None
    assert ticket.committed()
    assert not ticket.committed(fsync=True)
    directory.file.sync()
    assert ticket.committed(fsync=True)
    found = list(events_of(directory.path))
    assert [event.WhichOneof("what") for event in found] == ["file_version", "session_log"] + (
        ["summary"] * 4
    )
    assert found[1].wall_time == 7.5
    assert written_steps(directory) == [1, 2, 3, 10]
    (mark,) = written_marks(directory)
    assert mark.sections == (Section(A, 0, 130, 3), Section(B, 50, 90, 1))


def test_a_mark_tells_where_the_next_begins(make: Make) -> None:
    directory = make()
    for begin in (0, 100):
        directory.add(A, begin, begin + 100, scalars(begin, begin + 1))
        write(directory, 1.0)
    (path,) = event_files(directory.path)
    with RecordFile(path) as file:
        ends = {data: end for end, data in file.walk()}
        first, second = ((end, mark) for data, end in ends.items() if (mark := marks.parse(data)))
        found = file.at(first[0] + first[1].event_bytes)
        assert found is not None
        assert marks.parse(found[0]) == second[1]
        assert second[0] + second[1].event_bytes == file.size


def test_each_round_has_its_own_ticket(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = make()
    directory.add(A, 0, 100, scalars(1))
    first = write(directory, 1.0)

    def full(descriptor: int, data: memoryview) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    directory.add(A, 100, 200, scalars(2))
    second = write(directory, 1.0)
    assert first is not None
    assert second is not None
    assert first.committed()
    assert not second.committed()
    assert directory.trouble == f"No space left on device: {directory.file.path}"
    monkeypatch.undo()
    directory.file.retry()
    assert second.committed()
    assert directory.trouble is None
    assert written_steps(directory) == [1, 2]


def test_another_daemon_finds_how_far_the_session_came(make: Make) -> None:
    before = make()
    before.add(A, 0, 100, scalars(1))
    write(before, 1.0)
    directory = make()
    directory.resume(A)
    directory.resume(B)
    assert B not in directory.progress
    assert directory.progress[A].written(99)
    assert not directory.progress[A].written(100)
    directory.add(A, 60, 140, scalars(2))
    write(directory, 1.0)
    assert A not in directory.progress
    assert written_marks(directory)[-1].sections == (Section(A, 100, 140, 1),)
    assert len(event_files(directory.path)) == 2


def test_a_forgotten_session_is_found_in_the_file(make: Make) -> None:
    directory = make()
    directory.add(A, 0, 100, scalars(1))
    write(directory, 1.0)
    directory.forget(A)
    assert A not in directory.progress
    directory.resume(A)
    assert directory.progress[A].written(99)


def torn_run(make: Make, whole_events: int) -> None:
    """Leave a file behind whose only round has events at 0, 10, 20, 30 and is torn."""
    before = make()
    before.add(A, 0, 40, scalars(0, 10, 20, 30))
    write(before, 1.0)
    (path,) = event_files(before.path)
    with RecordFile(path) as file:
        ends = [end for end, _ in file.walk()]
    os.truncate(path, ends[1 + whole_events] + 5)


def replay(directory: RunDirectory, begin: int, end: int) -> None:
    """One batch of the session that torn_run logged, one round."""
    new = [
        start
        for start in range(begin, end, 10)
        if A not in directory.progress or not directory.progress[A].written(start)
    ]
    directory.add(A, begin, end, scalars(*new))
    write(directory, 1.0)


def test_a_replay_of_small_batches_may_be_cut_short_anywhere(make: Make) -> None:
    torn_run(make, whole_events=3)
    for begin in (0, 10, 20, 30, 40):
        directory = make()
        directory.resume(A)
        replay(directory, begin, begin + 10)
        directory.close()
    assert written_steps(directory) == [0, 10, 20, 30, 40]
    assert [mark.sections for mark in written_marks(directory)] == [
        (Section(A, 0, 40, 4),),
        (Section(A, 1, 40, 0, 2),),
        (Section(A, 11, 40, 0, 1),),
        (Section(A, 21, 40, 0, 0),),
        (Section(A, 30, 40, 1),),
        (Section(A, 40, 50, 1),),
    ]


def test_old_events_that_are_followed_by_new_ones_need_no_mark_of_their_own(make: Make) -> None:
    torn_run(make, whole_events=2)
    directory = make()
    directory.resume(A)
    for begin in (0, 20):
        new = [s for s in (begin, begin + 10) if not directory.progress[A].written(s)]
        directory.add(A, begin, begin + 20, scalars(*new))
    write(directory, 1.0)
    assert written_steps(directory) == [0, 10, 20, 30]
    assert written_marks(directory)[-1].sections == (Section(A, 20, 40, 2),)


def test_what_is_found_is_on_stable_storage(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    before = make()
    before.add(A, 0, 100, scalars(1))
    write(before, 1.0)
    synced = []
    sync = os.fdatasync

    def note(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    monkeypatch.setattr(os, "fdatasync", note)
    directory = make()
    directory.resume(B)
    assert synced == []
    directory.resume(A)
    assert synced == event_files(directory.path)


def test_a_directory_that_is_too_deep_is_refused() -> None:
    with pytest.raises(RecordError, match="too long"):
        RunDirectory("/x" * 2000, patient_disk(), host="host")


def test_every_event_is_whole(make: Make) -> None:
    directory = make()
    directory.add(A, 0, 100, scalars(*range(1000)))
    write(directory, 1.0)
    (path,) = event_files(directory.path)
    with RecordFile(path) as file:
        for _, data in file.walk():
            assert Event.FromString(data).SerializeToString() == data


@pytest.mark.parametrize("when", ["before the listing", "behind the listing", "behind the look"])
def test_notes_alone_bring_nothing_back(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """A user who clears up may do so at any moment."""
    directory = make()
    directory.add(A, 0, 100, scalars(1))
    write(directory, 1.0)
    directory.note(scalars(7)[0], waits=False)

    def clear(after: Callable[[], bool]) -> Callable[[], bool]:
        def cleared() -> bool:
            answer = after()
            shutil.rmtree(tmp_path / "run")
            return answer

        return cleared

    if when == "before the listing":
        shutil.rmtree(tmp_path / "run")
    elif when == "behind the listing":
        monkeypatch.setattr(directory, "has_event_files", clear(directory.has_event_files))
    else:
        look = clear(directory.file._is_open_here)
        monkeypatch.setattr(directory.file, "_is_open_here", look)
    ticket = write(directory, 2.0)
    assert ticket is None or ticket.committed()
    assert directory.trouble is None
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    directory.add(A, 100, 200, scalars(2))
    write(directory, 3.0)
    assert 2 in written_steps(directory)
