"""A training that an exception ends has died, and is said to have; one that goes on has not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tbxd.ask import ask
from tests.waiting import wait_until

from .field import Daemon

_HEAD = """
import multiprocessing, os, signal, sys
from tbxd_client import SummaryWriter

def train(run, role):
    writer = SummaryWriter(run, role=role)
    writer.add_scalar("a", 1.0, 7)
    raise MemoryError("of the device")

if __name__ == "__main__":
    writer = SummaryWriter(sys.argv[1], role="")
    writer.add_scalar("a", 1.0, 7)
"""

_ENDS = {
    "uncaught": ("    raise OverflowError('loss')", "OverflowError"),
    "Ctrl-C": ("    os.kill(os.getpid(), signal.SIGINT)\n    signal.pause()", "KeyboardInterrupt"),
    "out of with": ("    with writer: raise OverflowError('loss')", "OverflowError"),
    "out of with, caught": (
        "    try:\n        with writer: raise OverflowError('loss')\n"
        "    except OverflowError: pass",
        "OverflowError",
    ),
    "out of with of a file writer": (
        "    with writer.file_writer: raise OverflowError('loss')",
        "OverflowError",
    ),
    "sys.exit": ("    sys.exit(3)", ""),
    "out of with by sys.exit": ("    with writer: sys.exit(3)", ""),
    "caught": ("    try: 1 / 0\n    except ZeroDivisionError: pass", ""),
    "caught, and closed by hand": (
        "    try: 1 / 0\n    except ZeroDivisionError: writer.close()",
        "",
    ),
    "in another thread": (
        "    import threading\n    thread = threading.Thread(target=lambda: 1 / 0)\n"
        "    thread.start(); thread.join()",
        "",
    ),
}
"""What a training does at last, and the exception that it dies of; "" for none."""


def _run(tmp_path: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "run")],
        capture_output=True,
        text=True,
        check=False,
        # Ctrl-C is not for who began in the background of a shell.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def _found(daemon: Daemon) -> dict[str, tuple[str, str, int]]:
    """Return state, cause and last step by role, when nothing is left to be done."""
    found: dict[str, tuple[str, str, int]] = {}

    def is_done() -> bool:
        sessions = ask(str(daemon.directory))["sessions"]
        found.update(
            {each["role"]: (each["state"], each["cause"], each["last_step"]) for each in sessions}
        )
        return not daemon.journals() and all(each["state"] != "live" for each in sessions)

    wait_until(is_done, "all have ended")
    return found


@pytest.mark.parametrize("how", _ENDS)
def test_of_what_it_died(daemon: Daemon, tmp_path: Path, how: str) -> None:
    what, cause = _ENDS[how]
    _run(tmp_path, _HEAD + what)
    assert _found(daemon) == {"": ("died" if cause else "closed", cause, 7)}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_dies_and_its_parent_does_not(daemon: Daemon, tmp_path: Path, method: str) -> None:
    (tmp_path / "train.py").write_text(
        _HEAD + f"    context = multiprocessing.get_context({method!r})\n"
        "    child = context.Process(target=train, args=(sys.argv[1], 'child'))\n"
        "    child.start(); child.join()\n"
    )
    command = [sys.executable, str(tmp_path / "train.py"), str(tmp_path / "run")]
    subprocess.run(command, capture_output=True, check=True)
    found = _found(daemon)
    assert found.pop("") == ("closed", "", 7)
    (child,) = found.values()
    assert child == ("died", "MemoryError", 7)


def test_without_a_daemon_its_journal_says_so(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.stop()
    monkeypatch.setenv("TBXD_AUTOSTART", "0")
    _run(tmp_path, _HEAD + _ENDS["uncaught"][0])
    daemon.start()
    assert _found(daemon) == {"": ("died", "an exception", 7)}


def test_where_somebody_types_an_exception_ends_nothing(daemon: Daemon, tmp_path: Path) -> None:
    typed = (
        "import sys\nfrom tbxd_client import SummaryWriter\n"
        f"writer = SummaryWriter({os.fspath(tmp_path / 'run')!r}, role='')\n"
        "1 / 0\nwriter.add_scalar('a', 1.0, 7)\n"
    )
    subprocess.run([sys.executable, "-i"], input=typed, text=True, capture_output=True, check=True)
    assert _found(daemon) == {"": ("closed", "", 7)}
