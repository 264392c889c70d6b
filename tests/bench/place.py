"""The private directory of one measurement, and the end of whatever it started.

Guarantees:
    When the context ends, in whatever way, the daemon that was started in it is gone and so are
    its directories.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from tbxd_wire.places import DIRECTORY_VARIABLE

from .processes import daemon_pid

DAEMON_DRAIN_S = 60.0
"""How long the daemon may take to end after SIGTERM before it is killed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one measurement of one backend happens."""

    logdir: str
    runtime: str
    """The runtime directory of the daemon, if the backend has one."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the measured process."""
        # torch makes the directory of its compiler's cache when an optimizer is imported.
        compiled = os.path.join(self.runtime, "torch")
        return {
            **os.environ,
            DIRECTORY_VARIABLE: self.runtime,
            "TORCHINDUCTOR_CACHE_DIR": compiled,
        }


def runtime_base() -> str:
    """Return the directory that runtime directories are made in: where tbxd's own default lies."""
    return os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()


@contextlib.contextmanager
def private_place() -> Iterator[Place]:
    """Make the directories, and take them away again with the daemon that serves them."""
    logs = tempfile.mkdtemp(prefix="tbxd-bench-")
    runtime = tempfile.mkdtemp(prefix="tbxd-bench-", dir=runtime_base())
    try:
        yield Place(logdir=os.path.join(logs, "run"), runtime=runtime)
    finally:
        try:
            _end_daemon(runtime)
        finally:
            shutil.rmtree(runtime, ignore_errors=True)
            shutil.rmtree(logs, ignore_errors=True)


def _end_daemon(runtime: str) -> None:
    pid = daemon_pid(runtime)
    if pid is None:
        return
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        # The pid may have changed hands before the descriptor was opened; since then it cannot.
        if daemon_pid(runtime) != pid:
            return
        for end in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, end)
            if select.select([descriptor], [], [], DAEMON_DRAIN_S)[0]:
                return
    finally:
        os.close(descriptor)
