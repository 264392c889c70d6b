"""The clients of this process: one for each runtime directory, and what ends them at exit.

A client is made by the first writer of a process and lives until the process ends. A forked child
forgets its parent's client and makes its own.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time

from tbxd_wire import places

from . import fork, uncaught
from .client import Client

_EXIT_TIMEOUT_S = 10.0
"""How long a process that exits waits for a daemon to commit what it has logged. What is not
committed by then stays in the journals; nothing is lost by not waiting."""

_CHILD_EXIT_TIMEOUT_S = 2.0
"""The same for a child of multiprocessing, whose parent is waiting for it."""


class _Clients:
    """By runtime directory."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._by_directory: dict[str, Client] = {}
        self._has_child_exit = False
        fork.watch(self)
        atexit.register(self.close, _EXIT_TIMEOUT_S)

    def get(self) -> Client:
        """Return the client of the runtime directory that the environment names now."""
        fork.look()
        directory = places.runtime_directory(os.environ, os.getuid())
        with self._lock:
            client = self._by_directory.get(directory)
            self._register_child_exit()
            while client is None:
                client = self._make(directory)
            return client

    def _make(self, directory: str) -> Client | None:
        """Return a new client, or the one that a signal handler has made meanwhile.

        None: a signal handler has forked, and this is the child.
        """
        mine = fork.look()
        made = Client(directory, os.environ)
        if fork.look() != mine:
            made.forget_parent()
            return None
        client = self._by_directory.setdefault(directory, made)
        if client is not made:
            made.stop()
        return client

    def close(self, timeout_s: float) -> None:
        """End every session: the process ends."""
        fork.look()
        cause = uncaught.last()
        deadline = time.monotonic() + timeout_s
        for client in list(self._by_directory.values()):
            client.close_all(max(0.0, deadline - time.monotonic()), cause)

    def forget_parent(self) -> None:
        """In a forked child: begin anew."""
        self._lock = threading.RLock()
        for client in self._by_directory.values():
            client.forget_parent()
        self._by_directory = {}
        self._has_child_exit = False

    def _register_child_exit(self) -> None:
        """Children of multiprocessing end without running atexit; they have a hook of their own."""
        processes = sys.modules.get("multiprocessing.process")
        if self._has_child_exit or processes is None:
            return
        # A spawned child unpickles its writers before it knows that it is one, and forgets what
        # was registered until then.
        if processes.parent_process() is not None:
            from multiprocessing import util

            self._has_child_exit = True
            util.Finalize(None, self.close, args=(_CHILD_EXIT_TIMEOUT_S,), exitpriority=-100)


_clients = _Clients()


def get() -> Client:
    """Return this process's client for the runtime directory that the environment names.

    Raises:
        DirectoryError, ConfigError: as :class:`Client`.
    """
    return _clients.get()
