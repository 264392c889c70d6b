"""One daemon per runtime directory: a lock file that says who holds it.

The lock is a POSIX record lock on ``daemon.lock`` (tbxd_wire.locks says why). ZeroMQ's bind takes
an address over silently, so nobody binds without it. The file is never removed: a lock on a name
that can vanish is none. Its content, ``pid <pid>, started <time>``, is for people; a daemon that is
on its way out, and answers nobody any more, adds ``, leaving``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time

from tbxd_wire import locks, places
from tbxd_wire.errors import DaemonHeld, DirectoryError

_CONTENT_BYTES = 200
_LEAVING = ", leaving"


def acquire(directory: str) -> int:
    """Take the lock of ``directory``; it is held until the descriptor returned is closed.

    Raises:
        DaemonHeld: another daemon holds it.
        DirectoryError: the file cannot be opened.
    """
    path = os.path.join(directory, places.DAEMON_LOCK)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DirectoryError(
            directory, f"its {places.DAEMON_LOCK} cannot be opened: {error.strerror}"
        ) from None
    if not try_lock(descriptor):
        who = _who(descriptor)
        os.close(descriptor)
        raise DaemonHeld(directory, f"the daemon with {who}" if who else "another daemon")
    started = time.strftime("%Y-%m-%d %H:%M:%S")
    _write(descriptor, f"pid {os.getpid()}, started {started}")
    return descriptor


def say_leaving(descriptor: int) -> None:
    """Have the file that ``acquire`` returned say that its holder is on its way out."""
    _write(descriptor, _read(descriptor) + _LEAVING)


def who_is_leaving(directory: str) -> str | None:
    """Return what the daemon of ``directory`` says of itself if it is on its way out, else None."""
    try:
        descriptor = os.open(os.path.join(directory, places.DAEMON_LOCK), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        who = _who(descriptor)
    finally:
        os.close(descriptor)
    return who.removesuffix(_LEAVING) if who.endswith(_LEAVING) else None


def _who(descriptor: int) -> str:
    """Return what there is to say of the holder; "" if nobody holds it.

    Whoever has just taken the lock has not said anything yet: then the file tells of the one
    before.
    """
    pid = locks.holder(descriptor)
    if pid is None:
        return ""
    content = _read(descriptor)
    return content if not pid or content.startswith(f"pid {pid},") else f"pid {pid}"


def _read(descriptor: int) -> str:
    return os.pread(descriptor, _CONTENT_BYTES, 0).decode(errors="replace").strip()


def _write(descriptor: int, content: str) -> None:
    """Put ``content`` in the place of what the file holds, if there is room for it."""
    line = f"{content}\n".encode()
    # For people alone, so a full disk must not keep away the one process that makes room. Written
    # over the old content, whose block is there already.
    with contextlib.suppress(OSError):
        os.pwrite(descriptor, line, 0)
        os.ftruncate(descriptor, len(line))


def try_lock(descriptor: int) -> bool:
    """Lock the file open for writing as ``descriptor``; return False if another process has it."""
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def identity(path: str) -> tuple[int, int] | None:
    """Return what tells the file at ``path`` from any other that takes its name; None: no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def daemon_is_there(directory: str) -> bool:
    """Return whether another process holds the lock of ``directory``."""
    try:
        return is_held(os.path.join(directory, places.DAEMON_LOCK))
    except OSError:
        return False


def is_held(path: str) -> bool:
    """Return whether another process holds a lock on the file at ``path``.

    Must not be asked about a file that this process has locked (tbxd_wire.locks).

    Raises:
        OSError: the file cannot be opened; FileNotFoundError if it is not there.
    """
    # Opened for writing because the question is about an exclusive lock.
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        return locks.is_held(descriptor)
    finally:
        os.close(descriptor)
