"""Leaving the process that started a daemon: its session, its terminal and its descriptors.

The well-known two forks. After the first and setsid the daemon belongs to no terminal and no
process group of the caller's, so no signal meant for those reaches it; after the second it cannot
acquire a terminal again, and its parent is init.
"""

from __future__ import annotations

import os
from collections.abc import Callable

_FILE_MODE = 0o600
_DESCRIPTORS_MAX = 1 << 20
"""The highest any process has: the default of fs.nr_open. The kernel closes them in one call."""


def detach(log_file: str | None) -> Callable[[], None]:
    """Return in a new, detached process; the calling one waits there until that serves.

    Must be called before any thread is started. Standard input is /dev/null from now on, standard
    output and error are ``log_file``, or /dev/null without one. The working directory is "/", so
    that the daemon keeps no file system busy.

    Returns:
        What the new process calls once it serves: the calling process then exits with 0. If the
        new one ends before that, the calling process exits with 1.
    """
    # The path is the caller's: open it before leaving the working directory.
    output = _open_log(log_file)
    waiting, serving = os.pipe()
    if os.fork():
        os.close(serving)
        # Without any clean-up: buffers and exit handlers belong to the child now.
        os._exit(0 if os.read(waiting, 1) else 1)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    serving = os.dup(serving)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    # An inherited pipe that stayed open would keep whoever reads its other end waiting.
    os.closerange(3, serving)
    os.closerange(serving + 1, _DESCRIPTORS_MAX)

    def serves() -> None:
        os.write(serving, b"\n")
        os.close(serving)

    return serves


def log_to(log_file: str) -> None:
    """Let standard output and error be ``log_file``, appended to."""
    output = _open_log(log_file)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)


def _open_log(log_file: str | None) -> int:
    if log_file is None:
        return os.open(os.devnull, os.O_WRONLY)
    os.makedirs(os.path.dirname(os.path.abspath(log_file)), mode=0o700, exist_ok=True)
    return os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _FILE_MODE)
