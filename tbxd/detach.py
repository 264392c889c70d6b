"""Leaving the process that started a daemon: its session, its terminal and its descriptors.

The well-known two forks. After the first and setsid the daemon belongs to no terminal and no
process group of the caller's, so no signal meant for those reaches it; after the second it cannot
acquire a terminal again, and its parent is init.
"""

from __future__ import annotations

import os

from tbxd_wire.errors import ConfigError

_FILE_MODE = 0o600
_DESCRIPTORS_MAX = 1 << 20
"""The highest any process has: the default of fs.nr_open. The kernel closes them in one call."""


_SERVES = b"\n"
"""What the calling process waits for; anything else is why it never will be."""


class Caller:
    """The process that waits, as the detached one sees it. It is told once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def serves(self) -> None:
        """Have it exit with 0."""
        self._tell(_SERVES)

    def fails(self, reason: str) -> None:
        """Have it print why, and exit with 1; too late if it was told that the daemon serves."""
        self._tell(reason.encode(errors="replace"))

    def _tell(self, message: bytes) -> None:
        if self._descriptor >= 0:
            os.write(self._descriptor, message)
            os.close(self._descriptor)
            self._descriptor = -1


def detach(log_file: str | None) -> Caller:
    """Return in a new, detached process; the calling one waits there until that serves.

    Must be called before any thread is started. Standard input is /dev/null from now on, standard
    output and error are ``log_file``, or /dev/null without one. The working directory is "/", so
    that the daemon keeps no file system busy.

    Returns:
        Whom the new process tells once it serves, or that it does not. If it ends before that, the
        calling process exits with 1.

    Raises:
        ConfigError: the file cannot be opened.
    """
    # The path is the caller's: open it before leaving the working directory.
    output = _open_log(log_file)
    waiting, serving = os.pipe()
    if os.fork():
        os.close(serving)
        told = _all_of(waiting)
        if told != _SERVES:
            os.write(2, b"tbxd: %s\n" % (told or b"the daemon ended before it served"))
        # Without any clean-up: buffers and exit handlers belong to the child now.
        os._exit(0 if told == _SERVES else 1)
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
    return Caller(serving)


def _all_of(descriptor: int) -> bytes:
    """Return what comes through a pipe until nobody can write there any more."""
    content = b""
    while part := os.read(descriptor, 4096):
        content += part
    return content


def log_to(log_file: str) -> None:
    """Let standard output and error be ``log_file``, appended to.

    Raises:
        ConfigError: it cannot be opened.
    """
    output = _open_log(log_file)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)


def _open_log(log_file: str | None) -> int:
    if log_file is None:
        return os.open(os.devnull, os.O_WRONLY)
    try:
        return os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _FILE_MODE)
    except OSError as error:
        raise ConfigError(f"the log file {log_file} cannot be opened: {error.strerror}") from None
