"""Marks found in files: whole, torn, damaged, foreign and hostile ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tbxd.encode.scalar import encode
from tbxd.format import header, marks, tfrecord
from tbxd.format.marks import Section
from tbxd.format.progress import Progress
from tbxd.format.tfrecord import frame
from tbxd.proto.event_pb2 import Event, SessionLog
from tbxd.reading.records import RecordFile
from tbxd.reading.resume import resume
from tbxd.reading.rounds import rounds, sections

A, B, C = (bytes([number]) * 16 for number in (1, 2, 3))
HEADER = frame([header.encode(1.0)])


def scalars(count: int) -> bytes:
    return frame([encode("tag", step, 1.0, 0.5) for step in range(count)])


def round_of(*sections: Section) -> bytes:
    events = scalars(sum(section.events for section in sections))
    return frame([marks.encode(sections, len(events), 1.0)]) + events


def found_in(path: Path) -> list[tuple[tuple[Section, ...], int]]:
    """Return the sections of each round and how many of its events are whole."""
    with RecordFile(str(path)) as file:
        counted = [sections(*each) for each in rounds(file)]
    return [
        (tuple(section for section, _ in each), sum(whole for _, whole in each)) for each in counted
    ]


def state(progress: Progress | None) -> tuple[int, int, int] | None:
    if progress is None:
        return None
    return progress.position, progress.ahead, progress.horizon


FIRST = Section(A, 0, 100, 3)
SECOND = (Section(B, 0, 50, 2), Section(A, 100, 180, 4), Section(C, 7, 9, 1))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "events.out.tfevents.5"
    path.write_bytes(HEADER + round_of(FIRST) + round_of(*SECOND))
    return path


def test_rounds_come_in_order(path: Path) -> None:
    assert found_in(path) == [((FIRST,), 3), (SECOND, 7)]


def test_every_cut_is_counted_to_the_event(path: Path) -> None:
    """For each size that the file may have been cut to, what is found is what is whole."""
    content = path.read_bytes()
    with RecordFile(str(path)) as file:
        ends = [end for end, _ in file.walk()]
    for size in range(len(content) + 1):
        path.write_bytes(content[:size])
        whole = sum(end <= size for end in ends)
        expected: list[tuple[tuple[Section, ...], int]] = []
        if whole >= 2:
            expected.append(((FIRST,), min(whole - 2, 3)))
        if whole >= 6:
            expected.append((SECOND, whole - 6))
        assert found_in(path) == expected
        found = resume(str(path.parent), {A, B, C})
        if whole < 2:
            assert found == {}
        elif whole < 5:
            assert {name: state(each) for name, each in found.items()} == {A: (0, whole - 2, 100)}
        elif whole < 6:
            assert {name: state(each) for name, each in found.items()} == {A: (100, 0, 0)}
        else:
            events = whole - 6
            assert state(found[B]) == ((50, 0, 0) if events >= 2 else (0, events, 50))
            assert state(found[A]) == (
                (180, 0, 0) if events >= 6 else (100, max(0, events - 2), 180)
            )
            assert state(found[C]) == ((9, 0, 0) if events == 7 else (7, 0, 9))


def test_the_newest_file_that_names_a_session_decides(path: Path) -> None:
    newer = path.parent / "events.out.tfevents.6"
    newer.write_bytes(
        HEADER + round_of(Section(A, 180, 200, 1)) + round_of(Section(A, 200, 210, 2))
    )
    found = resume(str(path.parent), {A, B})
    assert state(found[A]) == (210, 0, 0)
    assert state(found[B]) == (50, 0, 0)


def test_only_the_sessions_asked_for_are_returned(path: Path) -> None:
    assert resume(str(path.parent), {B}).keys() == {B}
    assert resume(str(path.parent), {b"\x09" * 16}) == {}
    assert resume(str(path.parent / "missing"), {B}) == {}


def test_a_session_that_only_restated_is_found(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.5"
    path.write_bytes(HEADER + round_of(Section(A, 120, 180, 0, 2)))
    assert state(resume(str(tmp_path), {A})[A]) == (120, 2, 180)


def test_files_of_others_are_passed_over(tmp_path: Path) -> None:
    theirs = frame([Event(file_version="brain.Event:2").SerializeToString()])
    (tmp_path / "events.out.tfevents.1").write_bytes(theirs + round_of(FIRST))
    (tmp_path / "events.out.tfevents.2").write_bytes(b"\0" * 4096)
    (tmp_path / "events.out.tfevents.3").touch()
    (tmp_path / "events.out.tfevents.4").write_bytes(HEADER + scalars(3) + round_of(FIRST))
    os.mkfifo(tmp_path / "events.out.tfevents.5")
    (tmp_path / "events.out.tfevents.6").symlink_to(tmp_path / "nowhere")
    assert resume(str(tmp_path), {A}) == {}


def test_a_file_that_vanishes_or_is_closed_to_us_is_passed_over(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = os.open

    def refuse(name: str, flags: int) -> int:
        if name == str(path):
            raise PermissionError(13, "Permission denied", name)
        return opening(name, flags)

    older = path.parent / "events.out.tfevents.4"
    older.write_bytes(HEADER + round_of(FIRST))
    monkeypatch.setattr(os, "open", refuse)
    assert state(resume(str(path.parent), {A})[A]) == (100, 0, 0)


def test_a_disk_that_fails_is_no_empty_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int, size: int, offset: int) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(OSError, match="Input/output error"):
        resume(str(path.parent), {A})


def test_what_only_looks_like_a_mark_says_nothing(tmp_path: Path) -> None:
    name = A.hex()
    text = f"tbxd:1:0:{name},0,100,0,0;{name},0,200,0,0"
    log = SessionLog(status=SessionLog.CHECKPOINT, checkpoint_path=text)
    lie = frame([Event(wall_time=1.0, session_log=log).SerializeToString()])
    (tmp_path / "events.out.tfevents.5").write_bytes(HEADER + round_of(FIRST))
    (tmp_path / "events.out.tfevents.6").write_bytes(HEADER + lie)
    assert state(resume(str(tmp_path), {A})[A]) == (100, 0, 0)


def test_damage_ends_what_is_found(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert found_in(path) == [((FIRST,), 3), (SECOND, 6)]
    start = content.index(round_of(*SECOND)[:12])
    content[start + 5] ^= 1
    path.write_bytes(content)
    assert found_in(path) == [((FIRST,), 3)]


def test_zeros_that_a_power_cut_left_are_no_events(path: Path) -> None:
    size = path.stat().st_size
    os.truncate(path, size - 40)
    os.truncate(path, size)
    assert found_in(path)[-1] == (SECOND, 6)


def test_a_mark_that_claims_too_much_is_bounded_by_the_file(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.5"
    lie = marks.encode([Section(A, 0, 100, 10**12)], 10**14, 1.0)
    path.write_bytes(HEADER + frame([lie]) + scalars(2))
    assert found_in(path) == [((Section(A, 0, 100, 10**12),), 2)]
    # More records than announced count as announced.
    modest = marks.encode([Section(A, 0, 100, 1)], len(scalars(3)), 1.0)
    path.write_bytes(HEADER + frame([modest]) + scalars(3))
    assert found_in(path) == [((Section(A, 0, 100, 1),), 1)]


def test_marks_are_found_without_reading_what_lies_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.out.tfevents.5"
    rounds_bytes = [
        round_of(Section(A, number * 10, number * 10 + 10, 20_000)) for number in range(10)
    ]
    path.write_bytes(HEADER + b"".join(rounds_bytes))
    read = 0
    pread = os.pread

    def count(descriptor: int, size: int, offset: int) -> bytes:
        nonlocal read
        read += size
        return pread(descriptor, size, offset)

    monkeypatch.setattr(os, "pread", count)
    assert state(resume(str(tmp_path), {A})[A]) == (100, 0, 0)
    assert read < path.stat().st_size / 3


def test_what_a_sparse_file_says_of_its_records_is_not_believed(path: Path) -> None:
    """Neither as a header, nor as a mark, nor as an event of a torn round."""
    far = 10**12
    content = path.read_bytes()
    torn = frame([marks.encode([Section(A, 180, 900, 2)], far + 1000, 1.0)]) + scalars(1)
    for before, expected in (
        (b"", None),
        (content, (180, 0, 0)),
        (content + torn, (180, 1, 900)),
    ):
        path.write_bytes(before + tfrecord.header(far))
        os.truncate(path, far + 10_000)
        assert state(resume(str(path.parent), {A}).get(A)) == expected
