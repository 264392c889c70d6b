"""A thread that asks file systems: in order, never waited for long, heard when it is done."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tbxd.sinks import lane as lane_module
from tbxd.sinks.lane import Blocked, Failed, Lane
from tbxd.sinks.patience import Patience
from tbxd.threads import NoThread
from tests.tbxd.threads import none_start
from tests.waiting import wait_until

SHORT_S = 0.02


@pytest.fixture
def woken() -> threading.Event:
    return threading.Event()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What blocks until it is set, and is set at the latest at the end."""
    made = threading.Event()
    yield made
    made.set()


@pytest.fixture
def make(woken: threading.Event) -> Iterator[Callable[[float], Lane]]:
    made: list[Lane] = []

    def make_one(patience_s: float) -> Lane:
        made.append(Lane("tbxd-test", woken.set, Patience(patience_s)))
        return made[-1]

    yield make_one
    for each in made:
        each.close(0.0)


def test_what_is_asked_is_answered_by_another_thread(make: Callable[[float], Lane]) -> None:
    lane = make(60.0)
    assert lane.ask(lambda: threading.current_thread().name) == "tbxd-test"
    with pytest.raises(FileNotFoundError):
        lane.ask(os.stat, "/nowhere")
    assert lane.ask(max, 1, 2) == 2


def test_one_thing_after_another(make: Callable[[float], Lane]) -> None:
    lane = make(60.0)
    done: list[int] = []
    for number in range(100):
        lane.begin(done.append, number)
    assert lane.ask(lambda: list(done)) == list(range(100))


def test_what_comes_in_time_wakes_nobody(
    make: Callable[[float], Lane], woken: threading.Event
) -> None:
    lane = make(60.0)
    lane.wait(lane.begin(lambda: None))
    lane.ask(lambda: None)
    assert not woken.is_set()


def test_what_comes_late_wakes_the_loop_and_is_not_lost(
    make: Callable[[float], Lane], woken: threading.Event, gate: threading.Event
) -> None:
    lane = make(SHORT_S)

    def answer() -> str:
        gate.wait()
        return "answer"

    future = lane.begin(answer)
    with pytest.raises(Blocked):
        lane.wait(future)
    assert not woken.is_set()
    gate.set()
    assert woken.wait(10.0)
    assert lane.wait(future) == "answer"


def test_who_waits_often_is_woken_once(gate: threading.Event) -> None:
    """A loop that serves others meanwhile looks at each turn, perhaps for hours."""
    woken: list[None] = []
    lane = Lane("tbxd-test", lambda: woken.append(None), Patience(SHORT_S))
    future = lane.begin(gate.wait)
    for _ in range(100):
        with pytest.raises(Blocked):
            lane.wait(future)
    gate.set()
    wait_until(lambda: woken, "the loop is woken")
    lane.close(10.0)
    assert len(woken) == 1


def test_a_lane_that_is_late_is_not_waited_for_again(
    make: Callable[[float], Lane], gate: threading.Event
) -> None:
    lane = make(SHORT_S)
    lane.begin(gate.wait)
    wait_until(lambda: lane.is_late, "it is late")
    asked: list[int] = []
    began = time.monotonic()
    for number in range(1000):
        with pytest.raises(Blocked):
            lane.ask(asked.append, number)
    assert time.monotonic() - began < 1000 * SHORT_S / 4
    gate.set()
    wait_until(lambda: not lane.is_late, "it is free again")
    lane.ask(asked.append, -1)
    assert asked == [-1]


def test_a_question_that_nobody_waits_for_is_not_asked(
    make: Callable[[float], Lane], gate: threading.Event
) -> None:
    lane = make(SHORT_S)
    lane.begin(gate.wait)
    asked: list[int] = []
    with pytest.raises(Blocked):
        lane.ask(asked.append, 1)
    gate.set()
    wait_until(lambda: not lane.is_late, "it is free again")
    lane.ask(asked.append, 2)
    assert asked == [2]


def test_a_time_out_of_the_file_system_is_its_answer(make: Callable[[float], Lane]) -> None:
    """A network file system gives up with an error that Python calls TimeoutError."""

    def give_up() -> None:
        raise OSError(errno.ETIMEDOUT, "Connection timed out", "/run")

    with pytest.raises(TimeoutError) as caught:
        make(60.0).ask(give_up)
    assert caught.value.filename == "/run"


def test_silence_is_told(
    make: Callable[[float], Lane], gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "_SILENT_S", 5 * SHORT_S)
    lane = make(SHORT_S)
    assert lane.trouble is None
    assert lane.silent_at is None
    lane.begin(gate.wait)
    wait_until(lambda: lane.is_late, "it is late")
    wait_until(lambda: lane.trouble is not None, "it is told of")
    assert lane.trouble == "the file system does not answer"
    assert lane.silent_at is None
    gate.set()
    wait_until(lambda: lane.trouble is None, "it has answered")


def fail(error: Exception) -> None:
    raise error


def test_what_is_no_word_of_a_file_system_is_an_error_all_the_same(
    make: Callable[[float], Lane], caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asks is ready for a disk that fails, and for nothing else."""
    lane = make(60.0)
    for _ in range(3):
        with pytest.raises(Failed, match="internal error: MemoryError"):
            lane.ask(fail, MemoryError())
    with pytest.raises(Failed, match="ZeroDivisionError"):
        lane.wait(lane.begin(lambda: 1 // 0))
    # Of each kind the first, with its traceback.
    logged = [(each.levelno, each.exc_info and each.exc_info[0]) for each in caplog.records]
    assert logged == [(logging.ERROR, MemoryError), (logging.ERROR, ZeroDivisionError)]
    assert lane.ask(max, 1, 2) == 2


def test_without_a_thread_nothing_is_begun_and_it_may_be_tried_again(
    make: Callable[[float], Lane], monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = make(60.0)
    asked: list[int] = []
    with none_start(monkeypatch):
        future = lane.begin(asked.append, 1)
        with pytest.raises(NoThread):
            lane.wait(future)
        with pytest.raises(NoThread):
            lane.ask(asked.append, 2)
        lane.close(1.0)
    lane.ask(asked.append, 3)
    assert asked == [3]
