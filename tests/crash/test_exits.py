"""Every way a trainer can end without ``close()``: what it has logged is in the file, once."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tbxd_client import SummaryWriter
from tests.waiting import wait_until

from . import producer
from .field import Daemon
from .judge import judge, records

COUNT = 5000

PROGRAM = f"""
import atexit, os, signal, sys, threading
from tbxd_client import SummaryWriter
from tests.crash.producer import TAG, value_of

def log(writer, first, last):
    for step in range(first, last):
        writer.add_scalar(TAG, value_of(step), step)

def last_words():
    log(writer, {COUNT // 2}, {COUNT})

writer = SummaryWriter(sys.argv[1])
"""

ENDS = {
    "falls off the end": "log(writer, 0, {count})",
    "raises": "log(writer, 0, {count}); raise RuntimeError('a mistake')",
    "exits": "log(writer, 0, {count}); sys.exit(3)",
    "exits at once": "log(writer, 0, {count}); os._exit(0)",
    "is terminated": "log(writer, 0, {count}); os.kill(os.getpid(), signal.SIGTERM)",
    "segfaults": "log(writer, 0, {count}); os.kill(os.getpid(), signal.SIGSEGV)",
    "aborts": "log(writer, 0, {count}); os.abort()",
    "is interrupted": "log(writer, 0, {count}); os.kill(os.getpid(), signal.SIGINT)",
    "logs in an exit hook": "atexit.register(last_words); log(writer, 0, {half})",
    "logs in a thread that outlives the main one": (
        "log(writer, 0, {half}); threading.Thread(target=last_words).start()"
    ),
    "drops its writer": "log(writer, 0, {count}); del writer",
}


@pytest.mark.parametrize("end", ENDS)
def test_end(tmp_path: Path, daemon: Daemon, end: str) -> None:
    program = PROGRAM + ENDS[end].format(count=COUNT, half=COUNT // 2)
    run = tmp_path / "run"
    # The program may be gone before a daemon it asked for is there.
    daemon.start()
    command = [sys.executable, "-c", program, str(run)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "tbxd:" not in ended.stderr
    assert "the link failed" not in ended.stderr
    daemon.settle()
    verdict = judge(run, COUNT, COUNT)
    assert verdict.good, verdict


def test_the_order_of_a_clean_exit(tmp_path: Path, daemon: Daemon) -> None:
    """A script that has ended has everything in its files already."""
    run = tmp_path / "run"
    program = PROGRAM + f"log(writer, 0, {COUNT})"
    subprocess.run([sys.executable, "-c", program, str(run)], check=True, timeout=60)
    assert judge(run, COUNT, COUNT).good
    assert not daemon.journals()


def test_a_dropped_writer_is_waited_for(tmp_path: Path, daemon: Daemon) -> None:
    """Also where no daemon was there when the script began, and it ends in a moment."""
    run = tmp_path / "run"
    program = PROGRAM + f"log(writer, 0, {COUNT}); del writer"
    subprocess.run([sys.executable, "-c", program, str(run)], check=True, timeout=60)
    assert judge(run, COUNT, COUNT).good
    assert not daemon.journals()


def test_a_writer_nobody_holds_any_more(tmp_path: Path, daemon: Daemon) -> None:
    for number in range(100):
        writer = SummaryWriter(tmp_path / f"run{number}")
        writer.add_scalar(producer.TAG, producer.value_of(0), 0)
        del writer
    wait_until(lambda: not daemon.journals(), "all journals are taken over")
    for number in range(100):
        assert judge(tmp_path / f"run{number}", 1, 1).good


def test_an_exit_beside_a_thread_that_logs_flat_out(tmp_path: Path, daemon: Daemon) -> None:
    """The end waits for what was there when it began, not for what never ends."""
    run = tmp_path / "run"
    program = (
        PROGRAM
        + f"""
def noise():
    while True:
        writer.add_scalar("noise", 0.0, 0)

log(writer, 0, {COUNT})
writer.flush()
threading.Thread(target=noise, daemon=True).start()
"""
    )
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", program, str(run)], check=True, timeout=60)
    assert time.monotonic() - began < 8
    daemon.settle()
    assert [step for tag, step, _ in records(run) if tag == producer.TAG] == list(range(COUNT))


@pytest.mark.parametrize("last", ["log(writer, 0, 50_000)", "writer.add_text('t', 'x' * 200_000)"])
def test_an_exit_with_much_on_its_way(tmp_path: Path, daemon: Daemon, last: str) -> None:
    """What is sent last goes out after pyzmq has ended the thread that views need."""
    daemon.start()
    began = time.monotonic()
    program = PROGRAM + "writer.add_text('t', 'x' * 200_000); writer.flush(); " + last
    command = [sys.executable, "-c", program, str(tmp_path / "run")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stderr == ""
    assert time.monotonic() - began < 8
    assert not daemon.journals()
