"""Have libzmq accept one connection at a time, and the next one only when it is told to.

libzmq has no bound on connections. Its I/O thread accepts whoever comes, some fifteen in a
millisecond, and where there is no descriptor for one it ends the process: an ipc listener takes
EMFILE for a bug (ipc_listener.cpp of 4.3.5). Whoever counts beside it comes too late.

What can be had is the kernel's word. The listening descriptor is watched by an epoll of libzmq's;
modified to EPOLLONESHOT, it is reported once and then rests until it is modified again (epoll(7)).
Whoever connects meanwhile waits in the backlog, which takes no descriptor of this process. Which
epoll it is, and the word that libzmq has put beside the descriptor, stand in /proc/self/fdinfo.

Guarantees:
    Of what is libzmq's, nothing but this one flag of this one descriptor is changed.
    Where it does not watch its listener this way, that is an error and nothing is changed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import select
import struct
import time

_MODIFY = 3
"""EPOLL_CTL_MOD, which Python has no name for: its own modify() puts another word there."""

_EVENT = struct.Struct("=IQ" if os.uname().machine == "x86_64" else "@IQ")
"""struct epoll_event: the events, and 64 bits of the caller's. Packed on x86-64 alone."""

_WATCHED_S = 5.0
"""libzmq's thread watches a new listener some 0.1 ms after the bind."""

_LOOK_S = 0.001


class Turnstile:
    """Lets connections in by a listener, one for each :meth:`turn`.

    Those that come before it is made are not stopped.

    Args:
        listener: the listening descriptor, which libzmq is about to watch.

    Raises:
        OSError: libzmq does not watch it by an epoll that can be found.
    """

    def __init__(self, listener: int) -> None:
        self._listener = listener
        self._control = ctypes.CDLL(None, use_errno=True).epoll_ctl
        deadline = time.monotonic() + _WATCHED_S
        while (found := _watcher(listener)) is None:
            if time.monotonic() > deadline:
                raise OSError(f"no epoll is found that watches descriptor {listener}")
            time.sleep(_LOOK_S)
        self._epoll, self._word = found
        self.turn()

    def turn(self) -> None:
        """Let one more in, now or when it comes; one at the most, however often this is called.

        Only while the listener is open.
        """
        once = _EVENT.pack(select.EPOLLIN | select.EPOLLONESHOT, self._word)
        if self._control(self._epoll, _MODIFY, self._listener, once):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))


def _watcher(listener: int) -> tuple[int, int] | None:
    """Return the epoll that waits for connections of ``listener``, and the word beside it."""
    line = re.compile(rf"^tfd: *{listener} events: *([0-9a-f]+) data: *([0-9a-f]+)", re.MULTILINE)
    for name in os.listdir("/proc/self/fdinfo"):
        with contextlib.suppress(OSError), open(f"/proc/self/fdinfo/{name}") as file:
            match = line.search(file.read())
            # It is there for a moment without any event: what libzmq says next would undo ours.
            if match is not None and int(match[1], 16) & select.EPOLLIN:
                return int(name), int(match[2], 16)
    return None
