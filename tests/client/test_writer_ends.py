"""Barriers, ends and shortages, where nobody could commit: nothing waits, nothing raises."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time

import numpy
import pytest

from tbxd_client import FlushTimeout, SummaryWriter, launch
from tbxd_client.client import Client
from tbxd_client.stream import Stream
from tbxd_wire import records
from tbxd_wire.kinds import Kind
from tests.waiting import wait_until

from .journals import Interrupting, without_journals
from .leftovers import Logged, read_all

pytestmark = pytest.mark.usefixtures("runtime_directory")


# -- barriers, without anybody who could commit


def test_flush_without_a_daemon(writer: SummaryWriter, caplog: pytest.LogCaptureFixture) -> None:
    writer.flush(0.0)
    writer.add_scalar("tag", 0.5, 1)
    started = time.monotonic()
    with pytest.raises(FlushTimeout, match="in the journal stays there") as caught:
        writer.flush(0.2)
    assert 0.2 <= time.monotonic() - started < 2.0
    assert caught.value.timeout_s == 0.2
    assert caught.value.pending_bytes == writer.stats()["pending_bytes"] > 0
    assert isinstance(caught.value, TimeoutError)


@pytest.mark.usefixtures("autostart")
def test_a_flush_that_interrupts_an_append_says_what_it_cannot_wait_for(
    writer: SummaryWriter, logged: Logged
) -> None:
    """A signal handler logs, flushes and ends the process: that record is in memory alone."""
    writer.add_scalar("before", 0.5, 1)
    writer.flush()
    said: list[FlushTimeout] = []

    def handle() -> None:
        writer.flush()
        writer.add_text("tag", "of the handler", 2)
        with pytest.raises(FlushTimeout, match="has interrupted") as caught:
            writer.flush()
        said.append(caught.value)

    pair = records.encode_before(Kind.TENSOR, "array", 1, 1.5, Interrupting(handle))
    assert writer._recorder.append_arrays(*pair)
    (error,) = said
    assert error.pending_bytes > len("of the handler")
    writer.flush()
    assert writer.stats()["records"] == 3


def test_a_flush_waits_for_what_a_close_has_left(
    writer: SummaryWriter, runtime_directory: str
) -> None:
    for step in range(2):
        writer.add_scalar("tag", 0.5, step)
        writer.close(0.0)
    left = sum(each.tail for each in read_all(runtime_directory))
    for _ in range(2):
        with pytest.raises(FlushTimeout, match="for a daemon") as caught:
            writer.flush(0.1)
        assert caught.value.pending_bytes == left
    with pytest.raises(FlushTimeout, match="for a daemon"):
        writer.flush(0.0)
    launcher = launch.Launcher(runtime_directory, enabled=True)
    wait_until(lambda: launcher.attend(time.monotonic()), "a daemon, which finds them")
    writer.flush()
    assert read_all(runtime_directory) == []
    writer.flush(0.0)


@pytest.mark.usefixtures("autostart")
def test_a_flush_waits_for_a_close_of_another_thread(
    writer: SummaryWriter, runtime_directory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, may_wait = threading.Event(), threading.Event()
    await_end = Client._await_end

    def end(self: Client, stream: Stream, timeout_s: float) -> None:
        ended.set()
        assert may_wait.wait(20)
        await_end(self, stream, timeout_s)

    writer.add_scalar("tag", 0.5, 1)
    monkeypatch.setattr(Client, "_await_end", end)
    closing = threading.Thread(target=writer.close)
    closing.start()
    try:
        assert ended.wait(20)
        writer.flush()
        assert sum(len(each.frames) for each in read_all(runtime_directory)) == 0
    finally:
        may_wait.set()
        closing.join(20)


def test_close_without_a_daemon(
    writer: SummaryWriter,
    runtime_directory: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer.add_scalar("tag", 0.5, 1)
    started = time.monotonic()
    writer.close(0.2)
    assert time.monotonic() - started < 2.0
    (leftover,) = read_all(runtime_directory)
    assert leftover.ended
    assert [record[2] for record in leftover.records] == [1]
    (warning,) = [each for each in caplog.records if "closed with" in each.message]
    assert warning.levelno == logging.WARNING
    assert f"{leftover.tail} bytes" in warning.message
    writer.close(0.2)
    assert len([each for each in caplog.records if "closed with" in each.message]) == 1


def test_close_without_a_record_leaves_no_trace(run: str, runtime_directory: str) -> None:
    with SummaryWriter(run) as writer:
        pass
    writer.close()
    assert os.listdir(runtime_directory) == []
    assert os.listdir(run) == []


def test_use_after_close(writer: SummaryWriter, logged: Logged, runtime_directory: str) -> None:
    for step in range(3):
        writer.add_scalar("tag", 0.5, step)
        writer.close(0.0)
    assert [record[2] for record in logged()] == [0, 1, 2]
    leftovers = read_all(runtime_directory)
    assert len(leftovers) == 3
    assert all(leftover.ended for leftover in leftovers)


def test_the_context_manager_closes(run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[SummaryWriter] = []
    monkeypatch.setattr(SummaryWriter, "close", lambda self: closed.append(self))
    with pytest.raises(KeyError), SummaryWriter(run) as writer:
        raise KeyError
    assert closed == [writer]


def test_stats(writer: SummaryWriter, run: str) -> None:
    nothing = writer.stats()
    assert nothing == {
        "run": run,
        "role": "",
        "records": 0,
        "bytes": 0,
        "committed_bytes": 0,
        "refused": 0,
        "pending_bytes": 0,
        "shed": 0,
        "connected": False,
        "trouble": "",
    }
    for step in range(3):
        writer.add_scalar("tag", 0.5, step)
    found = writer.stats()
    assert set(found) == set(nothing)
    assert found["records"] == 3
    assert found["bytes"] == found["pending_bytes"] > 0
    assert not found["connected"]


# -- nothing but the caller's own mistakes ever raises


def test_a_full_journal_is_counted_and_said_once(
    run: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, logged: Logged
) -> None:
    monkeypatch.setenv("TBXD_JOURNAL_LIMIT", "100 KiB")
    writer = SummaryWriter(run)
    for step in range(5000):
        writer.add_scalar("tag", 0.5, step)
    found = writer.stats()
    assert found["records"] + found["shed"] == 5000
    assert found["shed"] > 1000
    assert [record[2] for record in logged()] == list(range(found["records"]))
    warnings = [each for each in caplog.records if "was not logged" in each.message]
    assert len(warnings) == 1
    assert "journal is full" in warnings[0].message
    # What was shed is not forgotten by a close.
    writer.close(0.0)
    assert writer.stats()["shed"] == found["shed"]


def test_a_record_that_no_journal_of_the_limit_holds(
    run: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """That it is too large is said, and not that the journal is full."""
    monkeypatch.setenv("TBXD_JOURNAL_LIMIT", "16MiB")
    writer = SummaryWriter(run)
    writer.add_tensor("tag", numpy.zeros(13 << 20, numpy.uint8))
    other = SummaryWriter(run)
    other.add_text("tag", "x" * (16 << 20))
    first, second = [each.message for each in caplog.records if "was not logged" in each.message]
    why = r"a record of 1\d,\d{3},\d{3} bytes does not fit into a journal limited to 16 MiB"
    assert re.search(f"{why}, of which arrays may take 12 MiB;", first)
    assert re.search(f"{why};", second)
    assert (writer.stats()["shed"], other.stats()["shed"]) == (1, 1)


def test_a_journal_that_cannot_be_opened(
    run: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    without_journals(monkeypatch)
    writer = SummaryWriter(run)
    for step in range(3):
        writer.add_scalar("tag", 0.5, step)
        writer.log({"tag": 0.5}, step)
    assert writer.stats()["shed"] == 6
    (warning,) = [each for each in caplog.records if "was not logged" in each.message]
    assert "could not be opened" in warning.message
    writer.flush(0.0)
    writer.close(0.0)


def test_a_runtime_directory_that_goes_away(writer: SummaryWriter, runtime_directory: str) -> None:
    os.rmdir(runtime_directory)
    with open(runtime_directory, "xb"):
        writer.add_scalar("tag", 0.5, 1)
    assert writer.stats()["shed"] == 1
    os.unlink(runtime_directory)
    writer.add_scalar("tag", 0.5, 2)
    assert writer.stats()["records"] == 1


@pytest.mark.parametrize("closers", [1, 2])
def test_one_thread_closes_while_others_log(
    run: str, logged: Logged, closers: int, runtime_directory: str
) -> None:
    """Every record belongs to one session or the next; none falls between two."""
    writer = SummaryWriter(run)
    done = threading.Event()
    counts = [0, 0]

    def close() -> None:
        while not done.is_set():
            writer.close(0.0)

    def log(author: int) -> None:
        while counts[author] < 1000 or len(os.listdir(runtime_directory)) < 40:
            writer.add_scalar(str(author), 0.5, counts[author])
            counts[author] += 1

    closing = [threading.Thread(target=close) for _ in range(closers)]
    authors = [threading.Thread(target=log, args=(author,)) for author in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    logging.disable()
    try:
        for thread in (*closing, *authors):
            thread.start()
        for thread in authors:
            thread.join(60)
        done.set()
        for thread in closing:
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
        logging.disable(logging.NOTSET)
    assert writer.stats()["shed"] == 0
    found = logged()
    for author in range(2):
        steps = [record[2] for record in found if record[1] == str(author)]
        assert sorted(steps) == list(range(counts[author]))


def test_the_link_never_takes_a_core_from_its_waker(writer: SummaryWriter) -> None:
    writer.add_scalar("tag", 1.0, 0)
    (link,) = (thread for thread in threading.enumerate() if thread.name == "tbxd-link")
    assert link.native_id is not None
    wait_until(
        lambda: os.sched_getscheduler(link.native_id or 0) == os.SCHED_BATCH, "it is a batch thread"
    )
    assert os.sched_getscheduler(threading.get_native_id()) == os.SCHED_OTHER


def test_trouble_is_over_when_records_go_through_again(
    autostart: None, writer: SummaryWriter, run: str
) -> None:
    os.rmdir(run)
    with open(run, "w", encoding="ascii"):
        pass
    writer.add_scalar("tag", 1.0, 0)
    wait_until(lambda: writer.stats()["trouble"], "the daemon says that it cannot write")
    os.remove(run)
    writer.flush()
    writer.add_scalar("tag", 1.0, 1)
    writer.flush()
    assert writer.stats()["trouble"] == ""
