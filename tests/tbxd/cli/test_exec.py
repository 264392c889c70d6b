"""``tbxd exec``: the command's own exit code, once all it logged is written."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tbxd.ask import ask
from tbxd.lock import daemon_is_there
from tbxd.reading.events import events_of
from tbxd_wire import places
from tests.tbxd.daemons import Daemon
from tests.waiting import wait_until

LOGGING = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from tbxd_wire import places
from tests.tbxd.hellos import hello_of, scalar_frames
from tests.tbxd.journals import write_segment
import os
hello = hello_of({run!r}, job=os.environ[places.JOB_VARIABLE])
frames = scalar_frames(0, 500)
write_segment(Path(os.environ[places.DIRECTORY_VARIABLE]), hello, 0, 0, frames, shed={shed})
"""


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Path]:
    """A runtime directory whose daemon is ended, whoever started it."""
    directory = tmp_path / "rt"
    yield directory
    if daemon_is_there(str(directory)):
        os.kill(ask(str(directory))["daemon"]["pid"], signal.SIGTERM)
        wait_until(lambda: not daemon_is_there(str(directory)), "the daemon has left")


def arguments(runtime: Path, *command: str, options: tuple[str, ...] = ()) -> list[str]:
    return [
        *(sys.executable, "-P", "-m", "tbxd", "exec", "--directory", str(runtime)),
        *("--timeout", "20", *options, "--", *command),
    ]


def run(
    runtime: Path, *command: str, options: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments(runtime, *command, options=options), capture_output=True, text=True, timeout=60
    )


def logging_command(run_directory: Path, shed: int = 0) -> list[str]:
    script = LOGGING.format(path=sys.path, run=str(run_directory), shed=shed)
    return [sys.executable, "-c", script]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -KILL $$"], 128 + signal.SIGKILL),
        # Python ignores this one, its children do not.
        (["sh", "-c", "kill -PIPE $$"], 128 + signal.SIGPIPE),
        (["no-such-command-anywhere"], 127),
        (["/"], 126),
    ],
)
def test_the_exit_code_is_the_commands_own(runtime: Path, command: list[str], code: int) -> None:
    assert run(runtime, *command).returncode == code
    assert daemon_is_there(str(runtime))


def test_options_behind_the_command_are_its_own(runtime: Path) -> None:
    ended = run(runtime, "echo", "--timeout", "-x", "--", "y")
    assert ended.stdout == "--timeout -x -- y\n"


def test_it_returns_when_everything_is_written(runtime: Path, tmp_path: Path) -> None:
    ended = run(runtime, *logging_command(tmp_path / "run"))
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    steps = [event.step for event in events_of(str(tmp_path / "run")) if event.step]
    assert steps == list(range(1, 500))
    assert not list(runtime.glob("*.journal"))


def test_a_command_that_succeeded_but_lost_records(runtime: Path, tmp_path: Path) -> None:
    ended = run(runtime, *logging_command(tmp_path / "run", shed=3))
    assert ended.returncode == 75
    who = rf"process \d+ \(logging to {tmp_path}/run\)"
    said = rf"tbxd exec: {who}: 3 records found its journal full\n"
    assert re.fullmatch(said, ended.stderr)


def test_limits_of_journals_are_set_for_the_command(runtime: Path) -> None:
    show = "import os; print(os.environ['TBXD_JOURNAL_LIMIT'], os.environ['TBXD_JOURNAL_FULL'])"
    limits = ("--journal-limit", "64MiB", "--journal-full", "block:2")
    ended = run(runtime, sys.executable, "-c", show, options=limits)
    assert (ended.returncode, ended.stdout) == (0, "64MiB block:2\n")
    ended = run(runtime, "true", options=("--journal-full", "wait"))
    assert ended.returncode == 2
    assert "expected shed, or block:SECONDS" in ended.stderr


def test_a_daemon_that_cannot_start(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (runtime / places.DAEMON_LOCK).mkdir(parents=True)
    runtime.chmod(0o700)
    ended = run(runtime, "true")
    assert ended.returncode == 3
    assert ended.stderr == (
        f"tbxd: no daemon answers in {runtime}: a new one did not start:"
        f" {runtime}: its daemon.lock cannot be opened: Is a directory\n"
    )
    monkeypatch.setenv(places.NOTES_VARIABLE, "banana")
    ended = run(runtime, "true")
    assert ended.returncode == 2
    assert ended.stderr == "tbxd: TBXD_NOTES: expected 1 or 0, not 'banana'\n"


def test_what_does_not_arrive_in_time(runtime: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    command = arguments(runtime, *logging_command(blocked / "run"))
    command[command.index("20")] = "1"
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 75
    assert "Not a directory" in ended.stderr
    # The next command has nothing to do with it.
    ended = run(runtime, *logging_command(tmp_path / "run"))
    assert (ended.returncode, ended.stderr) == (0, "")
    # It would wait for ever for a directory that can be made.
    for path in runtime.glob("*.journal"):
        path.unlink()
    os.kill(ask(str(runtime))["daemon"]["pid"], signal.SIGKILL)
    wait_until(lambda: not daemon_is_there(str(runtime)), "the daemon is gone")


def test_a_command_that_failed_keeps_its_code(runtime: Path, tmp_path: Path) -> None:
    script = logging_command(tmp_path / "run", shed=3)[2] + "\nsys.exit(9)"
    ended = run(runtime, sys.executable, "-c", script)
    assert ended.returncode == 9
    assert "journal full" in ended.stderr


def test_what_finds_no_journal_at_all_is_missed(runtime: Path, tmp_path: Path) -> None:
    """The first writer takes all the room that the process may take."""
    script = (
        "from tbxd_client import SummaryWriter\n"
        f"first, second = [SummaryWriter({str(tmp_path)!r} + name) for name in ('/a', '/b')]\n"
        "for writer in (first, second): writer.add_scalar('a', 1.0, 1)\n"
    )
    limit = ("--journal-limit", "64KiB")
    ended = run(runtime, sys.executable, "-c", script, options=limit)
    assert ended.returncode == 75
    assert f"{tmp_path}/b): 1 record found its journal full" in ended.stderr


def test_a_parent_that_ignores_the_end_of_children(runtime: Path) -> None:
    ignoring = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
    program = f"{ignoring}os.execv(sys.executable, sys.argv[1:])"
    command = [sys.executable, "-c", program, *arguments(runtime, "sh", "-c", "exit 7")]
    assert subprocess.run(command, timeout=60).returncode == 7


def test_a_runtime_directory_that_the_command_removes(runtime: Path) -> None:
    facts = f"from tbxd.ask import ask; print(ask({str(runtime)!r})['daemon']['pid'])"
    script = f'{sys.executable} -c "{facts}"; rm -rf {runtime}; exit 3'
    ended = run(runtime, "sh", "-c", script)
    assert (ended.returncode, ended.stderr) == (3, "")
    pid = int(ended.stdout)
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), "its daemon has noticed")


def test_a_loss_among_many_sessions(runtime: Path, tmp_path: Path) -> None:
    """More than the daemon keeps of those that lost nothing."""
    script = logging_command(tmp_path / "lost", shed=3)[2]
    script += f"""
import time
from tbxd.ask import ask
from tbxd.intake.roster import ENDED_KEPT
runtime = os.environ[places.DIRECTORY_VARIABLE]
# It is the first that the daemon would forget.
while list(Path(runtime).glob("*.journal")):
    ask(runtime)
for number in range(ENDED_KEPT + 10):
    hello = hello_of({str(tmp_path / "run")!r} + str(number), job=os.environ[places.JOB_VARIABLE])
    write_segment(Path(runtime), hello, 0, 0, scalar_frames(0, 1))
while len(ask(runtime)["sessions"]) > ENDED_KEPT + 1 or list(Path(runtime).glob("*.journal")):
    time.sleep(0.1)
"""
    ended = run(runtime, sys.executable, "-c", script)
    assert ended.returncode == 75
    assert "3 records found its journal full" in ended.stderr


def test_a_process_that_is_not_heard_of(runtime: Path, tmp_path: Path) -> None:
    """It has logged, and stands still before its sender has said a word."""
    script = f"""
import os, signal, sys
from tbxd_client import SummaryWriter
from tbxd_client.connection import Connection
Connection.open = lambda self: None
writer = SummaryWriter({str(tmp_path / "run")!r})
child = os.fork()
if not child:
    # Whoever reads these to their ends waits for it, too.
    os.close(1)
    os.close(2)
    writer.add_scalar("tag", 1.0, 0)
    os.kill(os.getpid(), signal.SIGSTOP)
os.waitpid(child, os.WUNTRACED)
print(child, flush=True)
"""
    command = arguments(runtime, sys.executable, "-c", script)
    command[command.index("20")] = "2"
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    os.kill(int(ended.stdout), signal.SIGKILL)
    assert ended.returncode == 75
    assert "1 process has logged and not been heard of yet" in ended.stderr


def test_what_the_daemon_may_not_write(runtime: Path, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with Daemon(runtime, "--root", str(tmp_path / "root")):
        ended = run(runtime, *logging_command(tmp_path / "run"))
        other = run(runtime, *logging_command(tmp_path / "root" / "run"))
    assert ended.returncode == 75
    assert "1 journal is left alone: this daemon does not write there" in ended.stderr
    assert (other.returncode, other.stderr) == (0, "")


@pytest.mark.parametrize(
    "number",
    [
        *(signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT),
        *(signal.SIGUSR1, signal.SIGUSR2),
    ],
)
def test_signals_are_passed_on(runtime: Path, number: int) -> None:
    script = (
        "import signal, sys\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(40))\n"
        "print('ready', flush=True)\n"
        "while True: signal.pause()\n"
    )
    command = arguments(runtime, sys.executable, "-c", script)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.wait(30) == 40


HANGING_UP = """
import os, signal, sys
heard = {signal.SIGHUP, signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, heard)
report = open(sys.argv[1], "w")
print("ready", os.getppid(), file=report, flush=True)
for _ in range(2):
    came = signal.sigwaitinfo(heard)
    print(signal.Signals(came.si_signo).name, came.si_pid == os.getppid(), file=report, flush=True)
    if came.si_signo == signal.SIGHUP:
        # Passed on in its turn: behind a hang-up that is passed on, too.
        os.kill(os.getppid(), signal.SIGUSR1)
"""


@pytest.mark.parametrize("leads", [True, False])
def test_a_terminal_that_hangs_up_reaches_the_command_once(
    runtime: Path, tmp_path: Path, leads: bool
) -> None:
    """By way of `tbxd exec` if that leads the session, and else from the kernel itself."""
    report = tmp_path / "report"
    command = arguments(runtime, sys.executable, "-c", HANGING_UP, str(report))
    if not leads:
        command = ["sh", "-c", '"$@"; exit', "sh", *command]
    terminal, its_end = pty.openpty()
    child = subprocess.Popen(["setsid", "--ctty", *command], stdin=its_end)
    os.close(its_end)
    wait_until(lambda: report.exists() and report.read_text()[-1:] == "\n", "the command runs")
    passing_on = int(report.read_text().split()[1])
    # Else it might be so quick that two hang-ups are one.
    os.kill(passing_on, 0 if leads else signal.SIGSTOP)
    os.close(terminal)
    wait_until(lambda: "SIGHUP" in report.read_text(), "it has heard of it")
    os.kill(passing_on, 0 if leads else signal.SIGCONT)
    wait_until(lambda: report.read_text().count("\n") == 3, "it has heard what came then")
    assert report.read_text() == f"ready {passing_on}\nSIGHUP {leads}\nSIGUSR1 True\n"
    child.wait()


def test_a_daemon_that_left_in_between_is_started_again(runtime: Path, tmp_path: Path) -> None:
    script = (
        "import os, signal, time\n"
        "from tbxd.ask import ask\n"
        "from tbxd.lock import daemon_is_there\n"
        f"os.kill(ask({str(runtime)!r})['daemon']['pid'], signal.SIGTERM)\n"
        f"while daemon_is_there({str(runtime)!r}): time.sleep(0.01)\n"
    )
    ended = run(runtime, sys.executable, "-c", script + logging_command(tmp_path / "run")[2])
    assert ended.returncode == 0, ended.stderr
    assert len(list(events_of(str(tmp_path / "run")))) > 500


LOOKING = """
import sys
from tbxd.cli import group
import tbxd.cli.exec as exec
from tbxd.cli.job import Job

look = Job.look


def looked(self):
    look(self)
    if self._lost:
        open({flag!r}, "w").close()


Job.look = looked
exec.LOOK_S = 0.05
group(["exec", "--directory", {directory!r}, "--", *sys.argv[1:]])
"""


def test_a_loss_of_which_only_an_earlier_daemon_knew(runtime: Path, tmp_path: Path) -> None:
    flag = tmp_path / "looked"
    waiting = (
        "\nimport signal, time\n"
        "from tbxd.ask import ask\n"
        "from tbxd.lock import daemon_is_there\n"
        f"runtime, flag = {str(runtime)!r}, Path({str(flag)!r})\n"
        "while ask(runtime)['totals']['records'] < 500: time.sleep(0.01)\n"
        "while not flag.exists(): time.sleep(0.01)\n"
        "os.kill(ask(runtime)['daemon']['pid'], signal.SIGKILL)\n"
        "while daemon_is_there(runtime): time.sleep(0.01)\n"
    )
    script = logging_command(tmp_path / "run", shed=3)[2] + waiting
    looking = LOOKING.format(flag=str(flag), directory=str(runtime))
    ended = subprocess.run(
        [sys.executable, "-c", looking, sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 75
    assert "3 records found its journal full" in ended.stderr


def test_the_command_is_told_where_and_who_it_is(runtime: Path) -> None:
    ended = run(runtime, "sh", "-c", "echo $TBXD_DIR; echo $TBXD_JOB")
    directory, job = ended.stdout.split()
    assert directory == str(runtime)
    assert len(job) == 32
