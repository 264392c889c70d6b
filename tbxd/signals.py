"""The signals a daemon hears: the first to stop drains it, the second ends it at once.

SIGTERM and SIGINT ask it to stop; the second of them takes its own default action. SIGHUP is
ignored: a terminal that closes ends nothing here.

A Python handler runs between two instructions of the main thread. A signal that arrives just
before the loop goes to sleep would find its handler run only after the sleep; so the interpreter
is told to write a byte into the loop's bell, which it does at once.

Guarantees:
    Handlers that the embedding program had set are put back, and are then given the signals that
    were caught here. Without such a handler nothing is raised again: a daemon that drained as it
    was told has done its work, and exits with 0.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_STOPPING = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def captured(stop: Callable[[], None], bell: int) -> Iterator[None]:
    """Call ``stop`` at the first signal to stop that arrives inside the block.

    Outside the main thread nothing is captured.

    Args:
        stop: runs in the main thread between two instructions: it should only set a flag.
        bell: a non-blocking descriptor that wakes the loop when a byte is written to it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if caught:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        caught.append(number)
        stop()

    # A daemon inherits the mask of the thread that started it, and nobody else listens here.
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, {*_STOPPING, signal.SIGHUP})
    before_bell = signal.set_wakeup_fd(bell, warn_on_full_buffer=False)
    before: dict[int, Any] = {number: signal.signal(number, handle) for number in _STOPPING}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            # None: the handler was not set from Python, and only whoever set it could put it back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(before_bell)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for number in caught:
            if callable(before[number]) and before[number] is not signal.default_int_handler:
                signal.raise_signal(number)
