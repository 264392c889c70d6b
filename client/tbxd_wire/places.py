"""Where things lie: the runtime directory, and the names of what is in it.

The runtime directory is ``$TBXD_DIR``; else ``$XDG_RUNTIME_DIR/tbxd``; else ``tbxd-<uid>`` in the
system's temporary directory. It belongs to one user (mode 0700, owner checked) and holds::

    tbxd.sock                    the daemon's socket
    daemon.lock                  locked by the daemon for as long as it lives; holds its pid
    launch.lock                  locked by whoever is starting a daemon
    daemon.log                   what a daemon started by a client had to say
    <session>.<slot>.journal     a segment; <session> is 32 hex digits, <slot> a decimal number

This module computes paths and makes the directory; it opens no file.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Mapping

from .errors import DirectoryError

DIRECTORY_VARIABLE = "TBXD_DIR"
AUTOSTART_VARIABLE = "TBXD_AUTOSTART"
JOB_VARIABLE = "TBXD_JOB"
JOURNAL_LIMIT_VARIABLE = "TBXD_JOURNAL_LIMIT"
JOURNAL_FULL_VARIABLE = "TBXD_JOURNAL_FULL"
NOTES_VARIABLE = "TBXD_NOTES"

SOCKET = "tbxd.sock"
DAEMON_LOCK = "daemon.lock"
LAUNCH_LOCK = "launch.lock"
DAEMON_LOG = "daemon.log"

_JOURNAL = re.compile(r"([0-9a-f]{32})\.([0-9]{1,9})\.journal")
_SOCKET_PATH_BYTES = 107
"""sockaddr_un.sun_path has 108 bytes with its terminating zero (unix(7))."""


def runtime_directory(environ: Mapping[str, str], uid: int) -> str:
    """Return the absolute path of the runtime directory; it need not exist."""
    if chosen := environ.get(DIRECTORY_VARIABLE):
        return os.path.abspath(chosen)
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        return os.path.join(os.path.abspath(runtime), "tbxd")
    # 4 ms that no process needs that was told where to look.
    import tempfile

    return os.path.join(tempfile.gettempdir(), f"tbxd-{uid}")


def make_private(directory: str, uid: int) -> None:
    """Make sure that ``directory`` exists, belongs to ``uid`` and is closed to everybody else.

    Raises:
        DirectoryError: it cannot be made, is no directory, has another owner, or others may
            enter it.
    """
    try:
        os.makedirs(os.path.dirname(directory), exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(directory, 0o700)
    except OSError as error:
        raise DirectoryError(directory, f"cannot be made: {error.strerror}") from error
    require_private(directory, uid)


def require_private(directory: str, uid: int) -> None:
    """Return if ``directory`` belongs to ``uid`` and is closed to everybody else.

    Whoever was there first could otherwise answer in a daemon's stead.

    Raises:
        DirectoryError: it is not there, is no directory, has another owner, or others may enter it.
    """
    try:
        found = os.lstat(directory)
        if stat.S_ISLNK(found.st_mode) and found.st_uid == uid:
            found = os.stat(directory)
    except OSError as error:
        raise DirectoryError(directory, f"cannot be used: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise DirectoryError(directory, "is not a directory")
    if found.st_uid != uid:
        raise DirectoryError(directory, f"belongs to user {found.st_uid}, not to {uid}")
    if found.st_mode & 0o077:
        # For whoever has forgotten that it is set.
        chosen = os.environ.get(DIRECTORY_VARIABLE)
        named = chosen and os.path.abspath(chosen) == directory
        origin = f"(${DIRECTORY_VARIABLE}) " if named else ""
        raise DirectoryError(
            directory,
            f"{origin}has mode {found.st_mode & 0o777:04o}; it must be closed to others (0700):"
            f" chmod 700 {directory}",
        )


def endpoint(directory: str, directory_fd: int) -> str:
    """Return the ZeroMQ address of the daemon's socket in ``directory``.

    A path longer than a socket address allows is reached through ``directory_fd``, an open
    descriptor of that directory, which must then stay open for as long as the address is used.
    """
    path = os.path.join(directory, SOCKET)
    if len(os.fsencode(path)) > _SOCKET_PATH_BYTES:
        path = f"/proc/self/fd/{directory_fd}/{SOCKET}"
    return f"ipc://{path}"


def journal_name(session: bytes, slot: int) -> str:
    """Return the file name of a segment."""
    return f"{session.hex()}.{slot}.journal"


def parse_journal_name(name: str) -> tuple[bytes, int] | None:
    """Return ``(session, slot)`` of a segment's file name, or None for any other name."""
    match = _JOURNAL.fullmatch(name)
    return (bytes.fromhex(match[1]), int(match[2])) if match else None
