"""Event files are read as they lie there: every directory, every file, every value."""

from __future__ import annotations

from pathlib import Path

import pytest

from tbxd.demo import findings
from tbxd.demo.notebooks import value_bytes
from tbxd.format import header, marks, tfrecord
from tbxd.proto.event_pb2 import Event, Summary
from tbxd.reading.records import DamagedFile


def _scalars(step: int, **values: float) -> bytes:
    summary = Summary(
        value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
    )
    return Event(wall_time=1.0, step=step, summary=summary).SerializeToString()


def _write(path: Path, *events: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mark = marks.encode([marks.Section(bytes(16), 0, 8, 0)], 0, 1.0)
    path.write_bytes(tfrecord.frame([header.encode(1.0), mark, *events]))


def test_all_directories_and_files(tmp_path: Path) -> None:
    _write(tmp_path / "events.out.tfevents.1", _scalars(0, a=1.0), _scalars(1, a=2.0))
    _write(tmp_path / "events.out.tfevents.2", _scalars(1, a=2.0))
    _write(tmp_path / "loader/deep" / "events.out.tfevents.1", _scalars(5, b=0.5, c=0.25))
    (tmp_path / "empty").mkdir()
    assert findings.read(str(tmp_path)) == {
        "": {("a", 0, value_bytes(1.0)): 1, ("a", 1, value_bytes(2.0)): 2},
        "loader/deep": {("b", 5, value_bytes(0.5)): 1, ("c", 5, value_bytes(0.25)): 1},
    }


def test_what_is_no_scalar_is_seen_too(tmp_path: Path) -> None:
    event = Event(wall_time=1.0, step=3, summary=Summary(value=[Summary.Value(tag="a")]))
    _write(tmp_path / "events.out.tfevents.1", event.SerializeToString())
    assert findings.read(str(tmp_path)) == {"": {("a", 3, findings.NO_SCALAR): 1}}


def test_damage_is_no_end(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1"
    _write(path, _scalars(0, a=1.0), _scalars(1, a=2.0))
    damaged = bytearray(path.read_bytes())
    damaged[-6] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(DamagedFile):
        findings.read(str(tmp_path))


def test_nothing_there(tmp_path: Path) -> None:
    assert findings.read(str(tmp_path)) == {}
