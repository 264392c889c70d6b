"""Recorders: which session a record goes into, whoever closes, collects or forks meanwhile."""

from __future__ import annotations

import gc
import logging
import os
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tbxd_client.recorder import Recorder
from tbxd_wire import records
from tbxd_wire.kinds import Kind

from .journals import Interrupting, array_of, without_journals
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


# -- a signal handler waits for nobody who waits for what it has interrupted


def in_time(call: Callable[[], object]) -> None:
    """Fail, and not hang, if ``call`` never returns."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "they wait for each other"


def test_a_close_that_interrupts_an_append_while_another_thread_sheds(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To count what is shed is to wait for that append."""
    recorder.append(FIRST)
    assert recorder._client is not None
    recorder._client._allowance.limit_bytes = 128 << 10
    append, append_arrays = recorder.append, recorder.append_arrays
    journal: Any = append.__self__  # type: ignore[attr-defined]
    count_shed, counting = journal.count_shed, threading.Event()
    large = bytes(100_000)
    assert not append(large)
    other = threading.Thread(target=recorder.refused, args=(append, large), daemon=True)

    def count() -> None:
        counting.set()
        count_shed()

    def handle() -> None:
        other.start()
        assert counting.wait(20)
        recorder.close(0.0)
        # A record that comes too late, as it does once a handler has closed.
        recorder.refused(recorder._append_first, SECOND)

    monkeypatch.setattr(journal, "count_shed", count)
    pair = records.encode_before(Kind.TENSOR, "t", 1, 1.5, Interrupting(handle))
    in_time(lambda: append_arrays(*pair))
    other.join(20)
    assert recorder.stats()["shed"] == 1
    assert recorder.stats()["records"] == 3


def test_a_session_begun_in_the_midst_of_an_append_while_another_thread_closes(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who closes looks at the journal that is being appended to, and the new one is made known."""
    recorder.append(FIRST)
    late, stream = recorder.append_arrays, recorder._stream
    assert stream is not None
    is_over, looking, handled = stream.is_over, threading.Event(), threading.Event()

    def look() -> bool:
        looking.set()
        try:
            return is_over()
        finally:
            looking.clear()

    def handle() -> None:
        # It stays there: this append holds what it looks at.
        assert looking.wait(20)
        handled.set()
        Recorder(str(tmp_path / "other"), None, "", None).append(SECOND)

    monkeypatch.setattr(stream, "is_over", look)
    closing = threading.Thread(target=recorder.close, args=(20.0,), daemon=True)
    closing.start()
    pair = records.encode_before(Kind.TENSOR, "t", 1, 1.5, Interrupting(handle))
    in_time(lambda: late(*pair))
    closing.join(20)
    assert handled.is_set()
    assert not closing.is_alive()
