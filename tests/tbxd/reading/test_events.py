from __future__ import annotations

import os
from pathlib import Path

import pytest

from tbxd.encode.scalar import encode
from tbxd.format.tfrecord import frame
from tbxd.reading.events import event_files, events, events_of
from tbxd.reading.records import DamagedFile


def scalars(*steps: int) -> bytes:
    return frame([encode("tag", step, 1.0, 0.5) for step in steps])


def test_the_events_of_a_directory_come_in_the_order_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.2").write_bytes(scalars(3, 4))
    (tmp_path / "events.out.tfevents.1").write_bytes(scalars(1, 2) + b"torn")
    (tmp_path / "checkpoint.pt").write_bytes(b"something else")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "events.out.tfevents.1").write_bytes(scalars(9))
    (tmp_path / "tfevents.d").mkdir()
    os.mkfifo(tmp_path / "tfevents.pipe")
    (tmp_path / "tfevents.circle").symlink_to("tfevents.circle")
    assert [event.step for event in events_of(str(tmp_path))] == [1, 2, 3, 4]


def test_no_directory_has_no_files(tmp_path: Path) -> None:
    assert event_files(str(tmp_path / "missing")) == []
    (tmp_path / "file").touch()
    assert event_files(str(tmp_path / "file")) == []


def test_links_are_followed_only_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(scalars(1))
    run = tmp_path / "run"
    run.mkdir()
    (run / "tfevents.link").symlink_to("../elsewhere")
    (run / "tfevents.own").write_bytes(scalars(2))
    links = [str(run / "tfevents.link"), str(run / "tfevents.own")]
    assert event_files(str(run)) == links
    assert event_files(str(run), follow=False) == links[1:]


def test_a_record_that_is_no_event_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "tfevents"
    path.write_bytes(scalars(1) + frame([b"\xff\xff\xff"]))
    found = events(str(path))
    assert next(found).step == 1
    with pytest.raises(DamagedFile, match="no event"):
        next(found)
