"""What TensorBoard shows of a run whose trainer was killed, and of the one that took it up."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tbxd.ask import ask
from tests.board import Board, tensorboard
from tests.waiting import wait_until

from .field import Daemon, Trainers

_GOES_ON = """
import sys
from tbxd_client import SummaryWriter

with SummaryWriter(sys.argv[1], role="") as writer:
    writer.add_scalar("crash", 1.0, 10_000_000)
"""


def texts(board: Board) -> list[str]:
    """Return the first line of each text that TensorBoard shows of the run's lifecycle."""
    answer = board.get("plugin/text/text", run="run", tag="tbxd/lifecycle") or []
    return [each["text"].split("</strong>")[0].rpartition("<strong>")[2] for each in answer]


@pytest.mark.parametrize("fast", [True, False], ids=["data server", "python"])
def test_died_and_resumed(trainers: Trainers, daemon: Daemon, tmp_path: Path, fast: bool) -> None:
    trainer = trainers.start("run", pause_s=0.005)
    wait_until(lambda: trainer.returned() > 3000, "the trainer logs")
    trainer.kill()
    wait_until(lambda: not daemon.journals(), "its journal is taken over")

    (died,) = ask(str(daemon.directory))["sessions"]
    assert died["state"] == "died"
    assert died["last_step"] >= trainer.returned() - 1

    with tensorboard(tmp_path, fast=fast) as board:
        board.wait(lambda: texts(board) == ["started", "died"], lambda: texts(board))
        subprocess.run([sys.executable, "-c", _GOES_ON, str(trainer.run)], check=True)
        expected = ["started", "died", "resumed", "ended cleanly"]
        board.wait(lambda: texts(board) == expected, lambda: texts(board))
        answer = board.get("plugin/text/text", run="run", tag="tbxd/lifecycle")
        assert f"pid {trainer.process.pid} on {socket.gethostname()}" in answer[0]["text"]
        assert f"last step {died['last_step']:,}" in answer[1]["text"]
