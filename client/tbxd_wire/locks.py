"""Is a file locked by a living process? The one question both sides ask of the other's lock.

Liveness in tbxd is a POSIX record lock over a whole file, never a pid: the kernel drops it at any
death, it is not inherited by a fork, and it is seen across pid namespaces. Asking never takes the
lock, so that a question cannot make somebody else's attempt to take it fail.

A process drops all its locks of a file when it closes any descriptor of that file: do not ask
about a file that this very process has locked.
"""

from __future__ import annotations

import fcntl
import os
import struct

# struct flock on 64-bit Linux (fcntl(2)): l_type, l_whence, l_start, l_len, l_pid, padding.
_FLOCK = struct.Struct("hhqqi4x")
_WHOLE_FILE = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def is_held(descriptor: int) -> bool:
    """Return whether another process holds a lock on the file open as ``descriptor``."""
    return holder(descriptor) is not None


def holder(descriptor: int) -> int | None:
    """Return the pid of the process that has locked the file open as ``descriptor``.

    Returns:
        None if no other process has; 0 if one has that the pid namespace of this one does not see.
    """
    kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, _WHOLE_FILE))
    return None if kind == fcntl.F_UNLCK else max(pid, 0)
