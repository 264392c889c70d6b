"""Finding a daemon and starting one: at most one, whoever else tries, and never in a hurry."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tbxd_client import SummaryWriter
from tbxd_client.launch import Launcher, is_running
from tbxd_wire import limits, places
from tests.waiting import wait_until

from .leftovers import read_all
from .programs import run_program

HOLDER = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.lockf(descriptor, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def hold(path: str) -> subprocess.Popen[str]:
    """Have another process hold a lock on ``path``."""
    command = [sys.executable, "-c", HOLDER, path]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


class Recorded(Launcher):
    """A launcher that starts something harmless instead of a daemon."""

    def __init__(self, directory: str) -> None:
        super().__init__(directory, enabled=True)
        self.command = [sys.executable, "-c", "pass"]
        self.starts = 0

    def _command(self) -> list[str]:
        self.starts += 1
        return self.command


@pytest.fixture
def launcher(runtime_directory: str) -> Iterator[Recorded]:
    """Yield a launcher; at the end, wait for what it has started last."""
    launcher = Recorded(runtime_directory)
    yield launcher
    if launcher._process is not None:
        launcher._process.wait()


# -- is there one?


def test_a_daemon_is_who_holds_the_lock(runtime_directory: str) -> None:
    path = os.path.join(runtime_directory, places.DAEMON_LOCK)
    assert not is_running(runtime_directory)
    with hold(path) as holder:
        assert is_running(runtime_directory)
        holder.kill()
        holder.wait()
    assert os.path.exists(path), "the file outlives the daemon"
    assert not is_running(runtime_directory)


# -- starting one


def test_no_daemon_is_started_when_there_is_one(launcher: Recorded, runtime_directory: str) -> None:
    with hold(os.path.join(runtime_directory, places.DAEMON_LOCK)) as holder:
        assert launcher.attend(0.0)
        holder.kill()
    assert launcher.starts == 0


def test_no_daemon_is_started_where_none_may_be(launcher: Recorded, runtime_directory: str) -> None:
    launcher.enabled = False
    assert not any(launcher.attend(float(now)) for now in range(100))
    assert launcher.starts == 0
    assert os.listdir(runtime_directory) == []


def test_no_daemon_is_started_while_another_process_is_starting_one(
    launcher: Recorded,
    runtime_directory: str,
) -> None:
    with hold(os.path.join(runtime_directory, places.LAUNCH_LOCK)) as holder:
        assert not any(launcher.attend(now / 20) for now in range(20))
        assert launcher.starts == 0
        assert launcher.trouble == ""
        holder.kill()
        holder.wait()
    assert not launcher.attend(2.0)
    assert launcher.starts == 1


def test_a_daemon_that_fails_is_not_started_again_at_once(
    launcher: Recorded, runtime_directory: str
) -> None:
    launcher.command = [sys.executable, "-c", "raise SystemExit(7)"]
    launcher.attend(0.0)

    def has_failed() -> bool:
        launcher.attend(1.0)
        return bool(launcher.trouble)

    wait_until(has_failed, "the failure to be seen")
    assert "ended with status 7" in launcher.trouble
    assert places.DAEMON_LOG in launcher.trouble
    assert not any(launcher.attend(1.0 + now / 20) for now in range(90))
    assert launcher.starts == 1
    launcher.attend(7.0)
    assert launcher.starts == 2


def test_what_a_daemon_says_before_it_has_a_log_is_in_its_log(
    launcher: Recorded, runtime_directory: str
) -> None:
    launcher.command = [sys.executable, "-c", "raise SystemExit('no such luck')"]
    launcher.attend(0.0)
    wait_until(lambda: launcher.attend(1.0) or bool(launcher.trouble), "the failure to be seen")
    log = Path(runtime_directory, places.DAEMON_LOG)
    assert str(log) in launcher.trouble
    assert "no such luck" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_nobody_is_sent_to_a_log_that_is_not_there(
    launcher: Recorded, runtime_directory: str
) -> None:
    Path(runtime_directory, places.DAEMON_LOG).mkdir()
    assert not launcher.attend(0.0)
    assert "could not be started: [Errno 21] Is a directory" in launcher.trouble
    assert "; see " not in launcher.trouble
    assert launcher.starts == 0


def test_a_daemon_that_never_comes_up_is_given_up(launcher: Recorded) -> None:
    launcher.attend(0.0)
    assert not launcher.attend(14.0)
    assert launcher.trouble == ""
    assert not launcher.attend(15.5)
    assert "did not start within" in launcher.trouble


def test_a_daemon_that_cannot_be_executed(launcher: Recorded) -> None:
    launcher.command = ["/nowhere/python"]
    assert not launcher.attend(0.0)
    assert "could not be started" in launcher.trouble


def test_what_a_daemon_inherits(runtime_directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is meant for this process alone, least of all its parent's expectations."""
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", places.JOB_VARIABLE):
        monkeypatch.setenv(name, "7")
    monkeypatch.setenv("OTHER", "kept")
    environment = Launcher._environment()
    assert environment["OTHER"] == "kept"
    assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "TBXD_JOB"} & set(environment)
    command = Launcher(runtime_directory, enabled=True)._command()
    assert "-P" in command, "a module of the trainer's directory must not be taken for ours"
    assert command[command.index("--directory") + 1] == runtime_directory
    assert command[command.index("--idle-exit") + 1] == str(limits.EMBEDDED_IDLE_EXIT_S)


# -- with the real one


def test_autostart_off(tmp_path: Path, runtime_directory: str) -> None:
    """Logging goes on, and nobody comes."""
    writer = SummaryWriter(tmp_path / "run")
    for step in range(1000):
        writer.add_scalar("tag", 0.5, step)
    writer.close(0.1)
    assert not is_running(runtime_directory)
    assert {places.parse_journal_name(name) for name in os.listdir(runtime_directory)} != {None}
    assert os.listdir(tmp_path / "run") == []
    (leftover,) = read_all(runtime_directory)
    assert [record[2] for record in leftover.records] == list(range(1000))


@pytest.mark.usefixtures("autostart")
def test_the_first_writer_starts_a_daemon_that_outlives_it(
    tmp_path: Path, runtime_directory: str
) -> None:
    program = """
    import os, sys
    from tbxd_client import SummaryWriter
    with SummaryWriter(sys.argv[1]) as writer:
        writer.add_scalar("tag", 0.5, 1)
        writer.flush()
        assert writer.stats()["pending_bytes"] == 0
    print(os.getpgid(0), os.getsid(0))
    """
    group, session = map(int, run_program(program, str(tmp_path / "run")).split())
    assert is_running(runtime_directory)
    with open(os.path.join(runtime_directory, places.DAEMON_LOCK), encoding="ascii") as file:
        pid = int(file.read().split()[1].rstrip(","))
    assert os.getpgid(pid) != group
    assert os.getsid(pid) != session
    assert read_all(runtime_directory) == []
    assert len(os.listdir(tmp_path / "run")) == 1


@pytest.mark.usefixtures("autostart")
def test_many_processes_at_once_start_one_daemon(tmp_path: Path, runtime_directory: str) -> None:
    program = """
    import sys
    from tbxd_client import SummaryWriter
    print("ready", flush=True)
    sys.stdin.read()
    writer = SummaryWriter(sys.argv[1], role=sys.argv[2])
    writer.add_scalar("tag", 0.5, 1)
    writer.flush(60)
    writer.close(60)
    """
    trainers = [
        subprocess.Popen(
            [sys.executable, "-c", program.replace("\n    ", "\n"), str(tmp_path), f"r{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(12)
    ]
    for trainer in trainers:
        assert trainer.stdout is not None
        assert trainer.stdout.readline() == "ready\n"
    for trainer in trainers:
        assert trainer.stdin is not None
        trainer.stdin.close()
    for trainer in trainers:
        assert trainer.wait(60) == 0
        assert trainer.stdout is not None
        trainer.stdout.close()
    with open(os.path.join(runtime_directory, places.DAEMON_LOG), encoding="utf-8") as file:
        log = file.read()
    assert len(re.findall(r"\bserving\b", log)) == 1, log
    assert "already served" not in log
    assert sorted(os.listdir(tmp_path)) == sorted(f"r{number}" for number in range(12))


@pytest.mark.usefixtures("autostart")
def test_close_does_not_wait_for_a_daemon_it_does_not_need(
    tmp_path: Path, runtime_directory: str
) -> None:
    """All is committed, then the daemon is killed: there is nothing to wait for."""
    writer = SummaryWriter(tmp_path / "run")
    writer.add_scalar("tag", 0.5, 1)
    writer.flush()
    with open(os.path.join(runtime_directory, places.DAEMON_LOCK), encoding="ascii") as file:
        os.kill(int(file.read().split()[1].rstrip(",")), 9)
    wait_until(lambda: not writer.stats()["connected"], "the link to see it")
    started = time.monotonic()
    writer.close(10.0)
    assert time.monotonic() - started < 0.5
    assert read_all(runtime_directory) == []


def test_the_launch_lock_is_free_after_all(launcher: Recorded, runtime_directory: str) -> None:
    launcher.attend(0.0)
    with hold(os.path.join(runtime_directory, places.DAEMON_LOCK)) as holder:
        assert launcher.attend(0.1)
        holder.kill()
    program = (
        "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    )
    run_program(program, os.path.join(runtime_directory, places.LAUNCH_LOCK))


@pytest.mark.usefixtures("autostart")
def test_a_directory_too_long_for_a_socket_s_address(
    tmp_path: Path, runtime_directory: str
) -> None:
    program = """
    import os, signal, sys
    from tbxd_client import SummaryWriter
    os.environ["TBXD_DIR"] += "/" + "x" * 150
    with SummaryWriter(sys.argv[1]) as writer:
        writer.add_scalar("tag", 0.5, 1)
        writer.flush()
    with open(os.environ["TBXD_DIR"] + "/daemon.lock") as file:
        os.kill(int(file.read().split()[1].rstrip(",")), signal.SIGTERM)
    """
    run_program(program, str(tmp_path / "run"))
    wait_until(
        lambda: not is_running(os.path.join(runtime_directory, "x" * 150)), "the daemon to end"
    )
    assert len(os.listdir(tmp_path / "run")) == 1
