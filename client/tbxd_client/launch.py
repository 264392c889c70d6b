"""Find out whether a daemon serves a runtime directory, and start one if none does.

The daemon that is started belongs to nobody: it leaves the trainer's session and process group,
is no child of it, and lives on until it has been idle for a while. Many processes may want to start
one at the same instant: whoever gets the launch lock starts it, the others wait for it, and the
daemon's own lock lets only one of them serve.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from typing import TYPE_CHECKING

from tbxd_wire import locks, places
from tbxd_wire.limits import EMBEDDED_IDLE_EXIT_S

if TYPE_CHECKING:
    import subprocess

_START_TIMEOUT_S = 15.0
"""How long a new daemon may take until it holds its lock (a cold start from a network file system
takes seconds)."""

_REAP_TIMEOUT_S = 1.0

_AGAIN_S = 0.5
"""Pause after a daemon that started and was gone when one looked."""

_RETRY_S = 5.0
"""Pause after a daemon failed to start, doubled at each further failure up to _RETRY_MAX_S."""

_RETRY_MAX_S = 60.0


def is_running(directory: str) -> bool:
    """Return whether a daemon holds the lock of ``directory``."""
    try:
        descriptor = os.open(os.path.join(directory, places.DAEMON_LOCK), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return locks.is_held(descriptor)
    finally:
        os.close(descriptor)


class Launcher:
    """Starts a daemon for one runtime directory, when asked often enough.

    Attributes:
        enabled: whether daemons may be started at all.
        trouble: why the last start failed; "" if it did not.

    Args:
        directory: the runtime directory.
        enabled: see above.
    """

    def __init__(self, directory: str, *, enabled: bool) -> None:
        self.enabled = enabled
        self.trouble = ""
        self._directory = directory
        self._log = os.path.join(directory, places.DAEMON_LOG)
        self._process: subprocess.Popen[bytes] | None = None
        self._launch_lock: int | None = None
        self._deadline = 0.0
        self._retry_s = _RETRY_S
        self._next_start = 0.0

    def attend(self, now: float) -> bool:
        """Do what can be done now; return whether a daemon is running.

        Args:
            now: a monotonic clock, in seconds. Call again every 50 ms or so until it returns True.
        """
        if self._process is not None:
            self._process.poll()
        if is_running(self._directory):
            self._reap()
            self._settle()
            self.trouble = ""
            self._retry_s = _RETRY_S
            return True
        if self._launch_lock is not None:
            self._await_start(now)
        elif self.enabled and now >= self._next_start:
            self._try_start(now)
        return False

    def _reap(self) -> None:
        """Wait for the process that made the daemon: it ends when that serves, which is now."""
        if self._process is not None:
            import subprocess

            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_REAP_TIMEOUT_S)

    def _await_start(self, now: float) -> None:
        """See what has become of the start; the process ends with 0 once its daemon serves."""
        code = None if self._process is None else self._process.returncode
        if code == 0:
            # It did serve, and is gone already.
            self._next_start = now + _AGAIN_S
            self._settle()
        elif code is not None:
            self._fail(f"the daemon ended with status {code}; see {self._log}", now)
        elif now >= self._deadline:
            self._fail(
                f"the daemon did not start within {_START_TIMEOUT_S:g} s; see {self._log}", now
            )

    def _try_start(self, now: float) -> None:
        """Start a daemon if nobody else is just doing so."""
        try:
            # Somebody who cleans up temporary directories may have taken it away.
            places.make_private(self._directory, os.getuid())
            self._launch_lock = os.open(
                os.path.join(self._directory, places.LAUNCH_LOCK),
                os.O_RDWR | os.O_CREAT | os.O_CLOEXEC,
                0o600,
            )
            fcntl.lockf(self._launch_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            # Somebody else is starting one; without the file, the directory is closed to us.
            if self._launch_lock is None:
                self._fail(f"the daemon could not be started: {error}", now)
            self._settle()
            return
        except OSError as error:
            self._fail(f"the daemon could not be started: {error}", now)
            return
        if is_running(self._directory):
            self._settle()
            return
        self._deadline = now + _START_TIMEOUT_S
        try:
            # Whoever has a client has it already.
            import subprocess

            # What goes wrong before the daemon opens its log is said there, too.
            with open(self._log, "ab", opener=_open_private) as log:
                self._process = subprocess.Popen(
                    self._command(),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    env=self._environment(),
                    start_new_session=True,
                )
        except OSError as error:
            self._fail(f"the daemon could not be started: {error}", now)

    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-P", "-m", "tbxd", "serve", "--detach"),
            *("--directory", self._directory),
            *("--idle-exit", str(EMBEDDED_IDLE_EXIT_S)),
            *("--log-file", self._log),
        ]

    @staticmethod
    def _environment() -> dict[str, str]:
        """This process's environment without what is meant for this process alone."""
        private = (places.JOB_VARIABLE, "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
        return {name: value for name, value in os.environ.items() if name not in private}

    def _fail(self, trouble: str, now: float) -> None:
        self.trouble = trouble
        self._next_start = now + self._retry_s
        self._retry_s = min(2 * self._retry_s, _RETRY_MAX_S)
        self._settle()

    def _settle(self) -> None:
        """Let go of the launch lock."""
        if self._launch_lock is not None:
            with contextlib.suppress(OSError):
                os.close(self._launch_lock)
            self._launch_lock = None


def _open_private(path: str, flags: int) -> int:
    """Open a file that nobody else may read; what ``open`` takes as its opener."""
    return os.open(path, flags, 0o600)
