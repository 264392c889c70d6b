"""How often a client wakes up while nothing is logged: context switches of all its threads.

The client logs a little, flushes, and then blocks in one read, while a process beside it counts.
"""

from __future__ import annotations

import os

from .backends import Backend
from .figures import LOGGED_TAG, LOGGED_VALUE, Figures
from .helpers import helper
from .processes import daemon_pid
from .sizes import Sizes


def measure(backend: Backend, logdir: str, sizes: Sizes) -> Figures:
    """Stay idle for ``sizes.idle_s`` under the eyes of the watcher."""
    with helper("watch", str(sizes.idle_s)) as watcher:
        writer = backend.open(logdir)
        for step in range(100):
            writer.add_scalar(LOGGED_TAG, LOGGED_VALUE, step)
        backend.flush(writer)
        pids = [os.getpid()]
        if backend.daemon and (pid := daemon_pid(os.environ["TBXD_DIR"])):
            pids.append(pid)
        watcher.tell(" ".join(map(str, pids)))
        switched = watcher.answer()
        writer.close()
    figures = {"wake_ups_per_s": switched[0] / sizes.idle_s}
    if len(switched) > 1:
        figures["daemon_wake_ups_per_s"] = switched[1] / sizes.idle_s
    return figures
