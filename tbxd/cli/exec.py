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
import sys
import time
from collections.abc import Callable

import click

from tbxd_wire import places
from tbxd_wire.settings import Settings

from .job import LOOK_S, Job
from .options import directory_option
from .starting import make_sure_of_daemon

INCOMPLETE_EXIT_CODE = 75
"""EX_TEMPFAIL of sysexits.h."""

_FORWARDED = (
    *(signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP),
    *(signal.SIGUSR1, signal.SIGUSR2),
)
_OF_THE_KEYBOARD = (signal.SIGINT, signal.SIGQUIT)
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_SI_KERNEL = 0x80
"""Who sent a signal, if it was the terminal (sigaction(2))."""


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
    make_sure_of_daemon(directory)
    job = Job(directory)
    own = {places.DIRECTORY_VARIABLE: directory, places.JOB_VARIABLE: job.name}
    environment = {**os.environ, **settings, **own}
    code = _run(arguments, environment, job.look)
    for problem in job.wait(timeout):
        click.echo(f"tbxd exec: {problem}", err=True)
        code = code or INCOMPLETE_EXIT_CODE
    sys.exit(code)


def _run(arguments: tuple[str, ...], environment: dict[str, str], look: Callable[[], None]) -> int:
    """Run the command in the foreground, pass signals on to it, and return its exit code.

    Args:
        arguments: the command.
        environment: its environment.
        look: called every LOOK_S while it runs.
    """
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
        next_look = time.monotonic() + LOOK_S
        while True:
            # Waited for instead of handled, because only so it is known who sent the signal.
            came = signal.sigtimedwait(awaited, max(next_look - time.monotonic(), 0.0))
            if came is None:
                look()
                next_look = time.monotonic() + LOOK_S
            elif came.si_signo == signal.SIGCHLD:
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
