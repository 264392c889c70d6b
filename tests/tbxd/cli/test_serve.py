"""``tbxd serve`` and what is the same for all commands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tbxd.ask import ask
from tbxd.lock import daemon_is_there
from tbxd.reading.events import events_of
from tbxd_wire import places
from tests.tbxd.daemons import Daemon
from tests.tbxd.hellos import hello_of, scalar_frames
from tests.tbxd.journals import write_segment
from tests.waiting import wait_until


def tbxd(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "tbxd", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def parent_of(pid: int) -> int:
    match = re.search(r"^PPid:\s+(\d+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert match is not None
    return int(match[1])


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    return tmp_path / "rt"


@pytest.mark.parametrize("options", [(), ("--detach",)])
def test_too_few_descriptors_are_said_and_no_daemon_is_started(
    runtime: Path, options: tuple[str, ...]
) -> None:
    """It would end as soon as some clients come at once, without a word of what is missing."""
    command = [sys.executable, "-P", "-m", "tbxd", "--directory", str(runtime), *options]
    started = subprocess.run(
        ["sh", "-c", 'ulimit -n 88; exec "$@"', "sh", *command],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert started.returncode == (1 if options else 2)
    assert "a daemon needs 89 file descriptors at least, and may have 88 here" in started.stderr
    assert not daemon_is_there(str(runtime))


def test_detached_it_belongs_to_nobody(runtime: Path, tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    began = time.monotonic()
    # Its output is a pipe here: a daemon that kept it open would keep this call waiting.
    started = tbxd(
        "serve",
        "--detach",
        "--directory",
        str(runtime),
        "--log-file",
        str(log),
        "--idle-exit",
        "0.5",
    )
    assert started.returncode == 0
    assert time.monotonic() - began < 10
    wait_until(lambda: daemon_is_there(str(runtime)), "the daemon has come up")
    pid = ask(str(runtime))["daemon"]["pid"]
    assert os.getsid(pid) not in (pid, os.getsid(0))
    assert parent_of(pid) != os.getpid()
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert os.readlink(f"/proc/{pid}/fd/0") == os.devnull
    assert os.readlink(f"/proc/{pid}/fd/2") == str(log)
    wait_until(lambda: not daemon_is_there(str(runtime)), "it has left when idle")
    assert f"serving {runtime}" in log.read_text()


def test_detached_it_says_why_it_does_not_serve(runtime: Path) -> None:
    with Daemon(runtime):
        started = tbxd("serve", "--detach", "--directory", str(runtime))
    assert started.returncode == 1
    assert f"{runtime} is already served by the daemon with pid" in started.stderr


def test_a_locale_without_unicode_changes_no_name(runtime: Path, tmp_path: Path) -> None:
    run = tmp_path / "läuf\N{SNOWMAN}"
    hello = hello_of(str(run))
    runtime.mkdir(mode=0o700)
    write_segment(runtime, hello, 0, 0, scalar_frames(0, 3))
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    served = tbxd("serve", "--directory", str(runtime), "--idle-exit", "0.1", **locale)
    assert served.returncode == 0, served.stderr
    assert len(list(events_of(str(run)))) > 3


def test_the_directory_comes_from_the_environment(runtime: Path) -> None:
    assert tbxd("--idle-exit", "0", TBXD_DIR=str(runtime)).returncode == 0
    assert runtime.is_dir()


def test_the_log_goes_into_a_file(runtime: Path, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    served = tbxd("serve", "--directory", str(runtime), "--idle-exit", "0", "--log-file", str(log))
    assert served.returncode == 0
    assert served.stderr == ""
    assert "leaving" in log.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--memory-limit", "a lot"], 2, "a lot"),
        (["--memory-limit", "1k"], 2, "at least"),
        (["--idle-exit", "-3"], 2, "-3"),
        (["--fsync", "sometimes"], 2, "sometimes"),
        (["--no-such-option"], 2, "no-such-option"),
        (["--log-file", "/nowhere/a.log"], 2, "/nowhere/a.log cannot be opened: No such file"),
        (["--log-file", "/etc/passwd/a.log"], 2, "a.log cannot be opened: Not a directory"),
        (["--detach", "--log-file", "/proc/x/a.log"], 2, "a.log cannot be opened: No such file"),
        (["no-such-command"], 2, "no-such-command"),
        (["status", "--directory", "/nowhere/at/all"], 3, "tbxd serve"),
    ],
)
def test_errors_are_short_and_have_a_code(arguments: list[str], code: int, said: str) -> None:
    failed = tbxd(*arguments)
    assert failed.returncode == code
    assert said in failed.stderr
    assert "Traceback" not in failed.stderr
    assert failed.stdout == ""
    assert not os.path.exists("/nowhere")


@pytest.mark.parametrize("name", [places.DAEMON_LOCK, places.SOCKET])
@pytest.mark.parametrize("options", [(), ("--detach",)])
def test_a_directory_that_cannot_be_served(
    runtime: Path, name: str, options: tuple[str, ...]
) -> None:
    """As one on a file system that is read-only: what the daemon needs there cannot be made."""
    runtime.mkdir(mode=0o700)
    (runtime / name).mkdir()
    failed = tbxd("serve", "--directory", str(runtime), *options)
    assert failed.returncode == 1
    assert re.fullmatch(rf"tbxd: {runtime}: its {name} cannot be \w+: .+\n", failed.stderr)


def test_a_root_that_is_not_there(runtime: Path, tmp_path: Path) -> None:
    """It is said where one looks; a relative one is that of the working directory."""
    log = tmp_path / "a.log"
    given = os.path.relpath(tmp_path / "none")
    arguments = ["serve", "--directory", str(runtime), "--idle-exit", "0", "--root", given]
    said = f"the root {tmp_path}/none does not exist; it will be made"
    shown = tbxd(*arguments)
    assert (shown.returncode, shown.stderr.count(said)) == (0, 1), shown.stderr
    logged = tbxd(*arguments, "--log-file", str(log))
    assert (logged.returncode, logged.stderr.count(said)) == (0, 1)
    assert f"WARNING: {said}" in log.read_text()
    assert "the root" not in tbxd(*arguments[:-1], str(tmp_path)).stderr


def test_help_names_every_command() -> None:
    shown = tbxd("--help")
    assert shown.returncode == 0
    for name in ("exec", "serve", "status"):
        assert re.search(rf"^  {name} ", shown.stdout, re.MULTILINE)
        assert tbxd(name, "--help").returncode == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("status", "Exits with 0; with 3 if no daemon answers, and with 1 if"),
        ("exec", "with 75 when records were shed, refused or not written in time"),
        ("serve", "at least 1 MiB"),
    ],
)
def test_help_tells_exit_codes_and_limits(name: str, said: str) -> None:
    assert said in " ".join(tbxd(name, "--help").stdout.split())


def test_the_version() -> None:
    assert re.fullmatch(r"tbxd \S+\n", tbxd("--version").stdout)


def test_a_detached_start_imports_nothing_heavy() -> None:
    code = (
        "import sys; import tbxd.cli.serve, tbxd.detach;"
        "print([name for name in ('zmq', 'numpy', 'google.protobuf', 'rich', 'msgpack')"
        " if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stdout == "[]\n", shown.stderr
