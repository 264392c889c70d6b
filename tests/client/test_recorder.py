"""Recorders: which session a record goes into, whoever closes, collects or forks meanwhile."""

from __future__ import annotations

import gc
import logging
import os
import pickle
from pathlib import Path

import pytest

from tbxd_client.recorder import Recorder
from tbxd_wire import records
from tbxd_wire.kinds import Kind

from .journals import array_of, without_journals
from .leftovers import read_all

pytestmark = pytest.mark.usefixtures("runtime_directory")

FIRST, SECOND, THIRD = (records.encode(Kind.TEXT, "tag", step, 1.0, "text") for step in (1, 2, 3))


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(str(tmp_path / "run"), None, "", None)


def test_a_session_begins_with_the_first_record(recorder: Recorder, runtime_directory: str) -> None:
    assert read_all(runtime_directory) == []
    assert recorder.append(FIRST)
    (leftover,) = read_all(runtime_directory)
    assert leftover.bodies == [FIRST]
    assert recorder.append(SECOND)
    (leftover,) = read_all(runtime_directory)
    assert leftover.bodies == [FIRST, SECOND]


def test_a_record_that_comes_too_late_for_its_session_begins_the_next(
    recorder: Recorder, runtime_directory: str
) -> None:
    """A thread has looked up ``append`` and is then overtaken by another that closes."""
    recorder.append(FIRST)
    late = recorder.append
    recorder.close(0.0)
    assert not late(SECOND)
    recorder.refused(late, SECOND)
    assert [each.bodies for each in read_all(runtime_directory)] == [[FIRST], [SECOND]]
    assert recorder.stats()["shed"] == 0


def test_a_record_that_comes_too_late_joins_the_session_that_has_begun(
    recorder: Recorder, runtime_directory: str
) -> None:
    recorder.append(FIRST)
    late = recorder.append
    recorder.close(0.0)
    recorder.append(SECOND)
    assert not late(THIRD)
    recorder.refused(late, THIRD)
    assert [each.bodies for each in read_all(runtime_directory)] == [[FIRST], [SECOND, THIRD]]
    assert recorder.stats()["shed"] == 0


def test_a_session_that_ended_without_the_recorder_is_followed_by_another(
    recorder: Recorder, runtime_directory: str
) -> None:
    """At the process's exit every session ends; a later exit handler may log all the same."""
    recorder.append(FIRST)
    assert recorder._client is not None
    recorder._client.close_all(0.0, "")
    late = recorder.append
    assert not late(SECOND)
    recorder.refused(late, SECOND)
    assert [each.bodies for each in read_all(runtime_directory)] == [[FIRST], [SECOND]]


def test_a_record_for_which_there_is_no_room_is_counted_once(
    recorder: Recorder, runtime_directory: str, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.append(FIRST)
    assert recorder._client is not None
    recorder._client._allowance.limit_bytes = 128 << 10
    large = bytes(100_000)
    for _ in range(3):
        append = recorder.append
        assert not append(large)
        recorder.refused(append, large)
    assert recorder.stats()["shed"] == 3
    assert recorder.append(SECOND)
    (leftover,) = read_all(runtime_directory)
    assert leftover.bodies == [FIRST, SECOND]
    assert leftover.shed == 3
    (warning,) = [each for each in caplog.records if "was not logged" in each.message]
    assert warning.levelno == logging.WARNING
    assert "journal is full" in warning.message


def test_a_recorder_nobody_holds_ends_its_session(
    recorder: Recorder, runtime_directory: str
) -> None:
    other = Recorder(recorder.run, None, "", None)
    other.append(FIRST)
    del other
    gc.collect()
    (leftover,) = read_all(runtime_directory)
    assert leftover.ended
    assert leftover.bodies == [FIRST]


def test_a_recorder_from_elsewhere_is_another_author(recorder: Recorder) -> None:
    """Unpickled by a process that is nobody's child, or on another host, whatever its pid."""
    make, (run, role, suffix, origin) = recorder.__reduce__()
    same = make(run, role, suffix, origin)
    assert same.stats()["role"] == ""
    elsewhere = make(run, role, suffix, bytes(len(origin)))
    assert elsewhere.stats()["role"] == f"pid{os.getpid()}"
    named = make(run, "critic", suffix, bytes(len(origin)))
    assert named.stats()["role"] == f"critic/pid{os.getpid()}"


def test_an_unpickled_recorder_purges_nothing(tmp_path: Path, runtime_directory: str) -> None:
    """The restart that ``purge_step`` asks for has been said by the one it was given to."""
    recorder = Recorder(str(tmp_path / "run"), None, "", 7)
    pickle.loads(pickle.dumps(recorder)).append(FIRST)
    (leftover,) = read_all(runtime_directory)
    assert leftover.bodies == [FIRST]


def test_the_runtime_directory_is_that_of_the_first_record(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime_directory: str
) -> None:
    recorder.append(FIRST)
    monkeypatch.setenv("TBXD_DIR", str(tmp_path / "other"))
    recorder.append(SECOND)
    recorder.close(0.0)
    recorder.append(THIRD)
    bodies = [each.bodies for each in read_all(runtime_directory)]
    assert bodies == [[FIRST, SECOND], [THIRD]]
    assert not os.path.exists(tmp_path / "other")


def test_a_record_with_arrays_takes_the_same_ways(runtime_directory: str, run: str) -> None:
    recorder = Recorder(run, None, "", None)
    pair = records.encode_before(Kind.TENSOR, "t", 1, 1.5, array_of(b"abc"))
    assert recorder.append_arrays(*pair)
    late = recorder.append_arrays
    recorder.close(0.0)
    assert not late(*pair)
    recorder.refused(late, *pair)
    recorder.close(0.0)
    found = [record for each in read_all(runtime_directory) for record in each.records]
    assert [bytes(record[4].data) for record in found] == [b"abc", b"abc"]
    assert recorder.stats()["shed"] == 0


def test_what_tells_of_losses_ends_with_the_recorder_and_not_with_a_child(
    run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_journals(monkeypatch)
    recorder = Recorder(run, None, "", None)
    for end in ("fork", "gone"):
        recorder.append(FIRST)
        void = recorder._losses._void
        assert void is not None
        if end == "fork":
            recorder.forget_parent()
        else:
            del recorder
        gc.collect()
        assert void.ending == (end == "gone")


def test_what_keeps_a_journal_from_being_opened_never_ends_the_training(
    run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor if it keeps what would tell of it, too."""
    recorder = Recorder(run, None, "", None)
    with monkeypatch.context() as patch:
        patch.setattr("tbxd_client.roles.this_process", None)
        for _ in range(3):
            assert recorder.append(FIRST)
    assert recorder.stats()["shed"] == 3
    assert recorder.append(SECOND)
    assert recorder.stats()["records"] == 1
