"""``tbxd exec``: run a command, and return when all it logged is in its event files.

For batch jobs that end, or whose container goes away, with their command: the records that are
still in journals then would have to wait for the next daemon in the same place.

The processes of the command are recognised by ``$TBXD_JOB``, which they inherit and tell the
daemon. The exit code is the command's own, 128 + n if it was killed by signal n, 127 or 126 if it
could not be started; or 75, try again later, if it succeeded and something it logged did not
arrive in time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from typing import Any

import click

from tbxd import leftovers
from tbxd.ask import ask
from tbxd.counted import counted
from tbxd.lock import daemon_is_there
from tbxd_wire import places
from tbxd_wire.errors import DaemonUnreachable
from tbxd_wire.limits import EMBEDDED_IDLE_EXIT_S
from tbxd_wire.settings import Settings

from .options import directory_option

INCOMPLETE_EXIT_CODE = 75
"""EX_TEMPFAIL of sysexits.h."""

_START_TIMEOUT_S = 15.0
"""How long a new daemon may take until it answers: a cold start from a network file system."""

_POLL_S = 0.1
_FORWARDED = (
    *(signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP),
    *(signal.SIGUSR1, signal.SIGUSR2),
)
_OF_THE_KEYBOARD = (signal.SIGINT, signal.SIGQUIT)
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_SI_KERNEL = 0x80
"""Who sent a signal, if it was the terminal (sigaction(2))."""

_NOT_FOR_THE_DAEMON = (places.JOB_VARIABLE, "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


@click.command(
    "exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@directory_option
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the records after the command has ended.",
)
@click.option(
    "--journal-limit", metavar="SIZE", help="Set TBXD_JOURNAL_LIMIT for the command, such as 64MiB."
)
@click.option(
    "--journal-full",
    metavar="POLICY",
    help="Set TBXD_JOURNAL_FULL for the command: shed, or block:SECONDS.",
)
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND...")
def command(
    directory: str,
    timeout: float,
    journal_limit: str | None,
    journal_full: str | None,
    arguments: tuple[str, ...],
) -> None:
    """Run a command, and wait until all it logged is in its event files.

    Exits as the command does: with 128 + n if signal n killed it, with 127 or 126 if it cannot be
    started. If it succeeded, with 75 when records were shed, refused or not written in time. With 3
    if no daemon can be started.
    """
    chosen = {
        places.JOURNAL_LIMIT_VARIABLE: journal_limit,
        places.JOURNAL_FULL_VARIABLE: journal_full,
    }
    settings = {name: value for name, value in chosen.items() if value is not None}
    # Better an error here than in every process of the command.
    Settings.of(os.environ | settings)
    places.make_private(directory, os.getuid())
    _make_sure_of_daemon(directory)
    job = uuid.uuid4().hex
    own = {places.DIRECTORY_VARIABLE: directory, places.JOB_VARIABLE: job}
    environment = {**os.environ, **settings, **own}
    code = _run(arguments, environment)
    for problem in _wait_for_records(directory, job, timeout):
        click.echo(f"tbxd exec: {problem}", err=True)
        code = code or INCOMPLETE_EXIT_CODE
    sys.exit(code)


def _make_sure_of_daemon(directory: str, timeout_s: float = _START_TIMEOUT_S) -> None:
    """Start a daemon if none serves the directory, and wait until it does.

    Raises:
        DaemonUnreachable: it did not come up.
    """
    if daemon_is_there(directory):
        return
    log = os.path.join(directory, places.DAEMON_LOG)
    environment = {
        name: value for name, value in os.environ.items() if name not in _NOT_FOR_THE_DAEMON
    }
    # If another process starts one at this moment, the daemon's own lock lets only one stay.
    started = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "tbxd", "serve", "--detach", "--directory", directory),
            *("--idle-exit", str(EMBEDDED_IDLE_EXIT_S), "--log-file", log),
        ],
        env=environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    deadline = time.monotonic() + timeout_s
    while not daemon_is_there(directory):
        if started.returncode:
            *_, said = ["it said nothing", *started.stderr.splitlines()]
            reason = f"a new one did not start: {said.removeprefix('tbxd: ')}"
            raise DaemonUnreachable(directory, reason)
        if time.monotonic() >= deadline:
            raise DaemonUnreachable(directory, f"a new one did not come up; see {log}")
        time.sleep(_POLL_S / 10)


def _run(arguments: tuple[str, ...], environment: dict[str, str]) -> int:
    """Run the command in the foreground, pass signals on to it, and return its exit code."""
    awaited = {*_FORWARDED, signal.SIGCHLD}
    # Whoever ignores it is never told that a child has ended.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    try:
        try:
            pid = os.posix_spawnp(
                arguments[0],
                arguments,
                environment,
                setsigmask=before,
                setsigdef=_IGNORED_BY_PYTHON,
            )
        except OSError as error:
            click.echo(f"tbxd exec: {arguments[0]}: {error.strerror}", err=True)
            return 127 if isinstance(error, FileNotFoundError) else 126
        while True:
            # Waited for instead of handled, because only so it is known who sent the signal.
            came = signal.sigwaitinfo(awaited)
            if came.si_signo == signal.SIGCHLD:
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    code = os.waitstatus_to_exitcode(status)
                    return code if code >= 0 else 128 - code
            elif not _has_reached_the_command(came):
                os.kill(pid, came.si_signo)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _has_reached_the_command(came: signal.struct_siginfo) -> bool:
    """Return whether the kernel gave a signal to the command as well.

    What comes from the keyboard goes to everybody in the terminal's foreground. A terminal that is
    gone tells the session's leader alone, and when that has ended, everybody in its foreground.
    """
    if came.si_code != _SI_KERNEL:
        return False
    hung_up = came.si_signo == signal.SIGHUP and os.getsid(0) != os.getpid()
    return hung_up or came.si_signo in _OF_THE_KEYBOARD


def _wait_for_records(directory: str, job: str, timeout_s: float) -> list[str]:
    """Wait until the job's sessions have ended and are committed; return what is missing."""
    deadline = time.monotonic() + timeout_s
    waiting = ["no daemon answered"]
    while True:
        try:
            facts = ask(directory, max(deadline - time.monotonic(), 1.0))
        except DaemonUnreachable as error:
            # It may have left because nobody logged for long. Whatever came later is in journals.
            if not leftovers.journals(directory):
                return []
            waiting = [str(error)]
            left_s = max(deadline - time.monotonic(), 0.0)
            try:
                _make_sure_of_daemon(directory, min(left_s, _START_TIMEOUT_S))
            except DaemonUnreachable as unreachable:
                waiting = [str(unreachable)]
        else:
            sessions = [each for each in facts["sessions"] if each["job"] == job]
            waiting = [text for each in sessions if (text := _unfinished(each))]
            if awaited := facts["daemon"]["awaited_by_job"].get(job):
                who = counted(awaited, "process has", "processes have")
                waiting.append(f"{who} logged and not been heard of yet")
            if not waiting and not facts["daemon"]["journals_waiting"]:
                lost = [text for each in sessions if (text := _incomplete(each))]
                left_alone = facts["daemon"]["left_alone_by_job"].get(job, {})
                return lost + [
                    f"{counted(count, 'journal is', 'journals are')} left alone: {reason}"
                    for reason, count in left_alone.items()
                ]
            journals = facts["daemon"]["journals_waiting"]
            waiting = waiting or [counted(journals, "journal waits", "journals wait")]
        if time.monotonic() >= deadline:
            return [
                f"not everything was committed after {timeout_s:g} s: {text}" for text in waiting
            ]
        time.sleep(_POLL_S)


def _unfinished(session: dict[str, Any]) -> str | None:
    """Return what a session still has to do, if anything."""
    if session["pending_bytes"] or session["recovering"]:
        trouble = f" ({session['trouble']})" if session["trouble"] else ""
        pending = counted(session["pending_bytes"], "byte")
        return f"{_name(session)} has {pending} to be written{trouble}"
    return f"{_name(session)} is still running" if session["state"] == "live" else None


def _incomplete(session: dict[str, Any]) -> str | None:
    """Return what an ended session has lost, if anything."""
    lost = []
    if session["shed"]:
        lost.append(f"{counted(session['shed'], 'record')} found its journal full")
    if session["gap_bytes"]:
        lost.append(f"{counted(session['gap_bytes'], 'byte')} could not be read")
    if refused := session["refused"] + session["unknown"]:
        what = counted(refused, "record was", "records were")
        lost.append(f"{what} refused: {session['refused_reason']}")
    if session["state"] == "rejected":
        lost.append(f"it was turned away: {session['trouble']}")
    return f"{_name(session)}: {'; '.join(lost)}" if lost else None


def _name(session: dict[str, Any]) -> str:
    place = f"{session['run']}/{session['role']}" if session["role"] else session["run"]
    return f"process {session['pid']} (logging to {place})"
