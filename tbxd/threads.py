"""Threads, of which a system may have no more to give: a limit of processes counts them too."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable


class NoThread(OSError):
    """No thread can be started now; it may be tried again."""

    def __init__(self) -> None:
        super().__init__(errno.EAGAIN, "no thread can be started")


def started(work: Callable[[], None], name: str) -> threading.Thread:
    """Return a new thread that does ``work``, and that nobody has to wait for.

    Raises:
        NoThread: there are as many as there may be, or there is no memory for it.
    """
    thread = threading.Thread(target=work, name=name, daemon=True)
    try:
        thread.start()
    except (RuntimeError, MemoryError):
        raise NoThread from None
    return thread
