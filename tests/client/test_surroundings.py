"""Processes in which something is amiss that is none of tbxd's business: it logs all the same."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from tbxd_client import SummaryWriter
from tests.waiting import wait_until

from .journals import without_journals
from .leftovers import read_all

COUNT = 100


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """As where a limit of processes is reached."""

    def fail(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    return monkeypatch


def test_where_no_thread_can_be_started_the_journal_keeps_all(
    no_threads: pytest.MonkeyPatch, runtime_directory: str, run: str
) -> None:
    writer = SummaryWriter(run)
    writer.add_scalar("tag", 0.0, 0)
    before = len(os.listdir("/proc/self/fd"))
    for step in range(1, COUNT):
        writer.add_scalar("tag", 0.0, step)
    assert len(os.listdir("/proc/self/fd")) == before
    assert "no thread" in writer.stats()["trouble"]
    assert writer.stats()["shed"] == 0
    writer.close()
    (left,) = read_all(runtime_directory)
    assert len(left.bodies) == COUNT


@pytest.mark.usefixtures("autostart")
def test_a_thread_that_can_be_started_later_sends(no_threads: pytest.MonkeyPatch, run: str) -> None:
    writer = SummaryWriter(run)
    writer.add_scalar("tag", 0.0, 0)
    no_threads.undo()
    # That has taken back where the writer lives, too; it knows it by now.
    writer.flush()
    assert writer.stats()["pending_bytes"] == 0
    writer.close()


@pytest.mark.usefixtures("autostart")
def test_records_try_to_start_a_thread_now_and_then_and_it_is_said_once(
    no_threads: pytest.MonkeyPatch, run: str, caplog: pytest.LogCaptureFixture
) -> None:
    attempts = 0

    def fail(self: threading.Thread) -> None:
        nonlocal attempts
        attempts += 1
        raise RuntimeError("can't start new thread")

    no_threads.setattr(threading.Thread, "start", fail)
    started = time.monotonic()
    writer = SummaryWriter(run, purge_step=0)

    def log() -> SummaryWriter:
        writer.add_scalar("tag", 0.0, 0)
        return writer

    wait_until(lambda: log() and attempts > 4, "another attempt")
    assert attempts <= 5 + (time.monotonic() - started)
    (warning,) = [each for each in caplog.records if "no thread" in each.message]
    assert "kept in the journal" in warning.message
    no_threads.undo()
    wait_until(lambda: log().stats()["connected"], "one that succeeds")
    writer.close()


class Strict(logging.Handler):
    """A handler of somebody who wants no warnings."""

    def emit(self, record: logging.LogRecord) -> None:
        raise AssertionError(record.getMessage())


def test_a_handler_that_raises_ends_nothing(
    runtime_directory: str, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TBXD_JOURNAL_LIMIT", "200KiB")
    handler = Strict()
    logging.getLogger().addHandler(handler)
    try:
        writer = SummaryWriter(run)
        while not writer.stats()["shed"]:
            writer.add_scalar("tag", 0.0, 0)
        assert [each for each in threading.enumerate() if each.name == "tbxd-link"]
        writer.close(0.1)
    finally:
        logging.getLogger().removeHandler(handler)


def test_a_handler_that_logs_into_the_run_waits_for_nobody(
    runtime_directory: str, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads: one warns in the midst of a call, the other logs in the midst of a warning."""
    without_journals(monkeypatch)
    writer = SummaryWriter(run)
    warned, logged = threading.Event(), threading.Event()

    class ToBoard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name.startswith("tbxd"):
                return
            # With the handler's lock, which the warning of the other thread will ask for.
            other.start()
            warned.wait(0.5)
            writer.add_text("log", record.getMessage(), 1)
            logged.set()

    def log() -> None:
        writer.add_scalar("tag", 0.0, 0)
        warned.set()

    other = threading.Thread(target=log)
    handler = ToBoard()
    logging.getLogger().addHandler(handler)
    try:
        mine = threading.Thread(target=logging.warning, args=("into the run",), daemon=True)
        mine.start()
        assert logged.wait(20), "both wait for each other"
        mine.join(20)
        other.join(20)
    finally:
        logging.getLogger().removeHandler(handler)
    assert writer.stats()["shed"] == 2


@pytest.mark.parametrize("name", ["torch", "torch.utils.data", "matplotlib.pyplot"])
def test_a_module_that_another_thread_is_still_importing(
    runtime_directory: str, run: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It is among the modules, and has nothing in it yet."""
    monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    writer = SummaryWriter(run)
    writer.add_histogram("tag", [0.5], 0)
    writer.add_figure("tag", Figure(figsize=(1, 1)), 0)
    assert writer.stats()["records"] == 2


def test_without_standard_streams_the_journal_is_none_of_them(
    runtime_directory: str, tmp_path: Path
) -> None:
    """A C library's complaint would be written over its head."""
    program = """
import os, sys
for descriptor in range(3):
    os.close(descriptor)
from tbxd_client import SummaryWriter
writer = SummaryWriter(sys.argv[1])
for step in range(100):
    writer.add_scalar("tag", 0.0, step)
for descriptor in range(3):
    try:
        os.write(descriptor, b"complaint" * 1000)
    except OSError:
        pass
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "run")], check=False)
    assert done.returncode == -9
    (left,) = read_all(runtime_directory)
    assert len(left.bodies) == COUNT
