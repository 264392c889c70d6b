"""A daemon that is there for sure, whoever starts it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tbxd.lock import daemon_is_there
from tbxd_wire import places
from tbxd_wire.errors import DaemonUnreachable
from tbxd_wire.limits import EMBEDDED_IDLE_EXIT_S

START_TIMEOUT_S = 15.0
"""How long a new daemon may take until it answers: a cold start from a network file system."""

_POLL_S = 0.01
_NOT_FOR_THE_DAEMON = (places.JOB_VARIABLE, "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


def make_sure_of_daemon(directory: str, timeout_s: float = START_TIMEOUT_S) -> None:
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
        time.sleep(_POLL_S)
