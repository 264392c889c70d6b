"""A system that has no more threads to give."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def none_start(monkeypatch: pytest.MonkeyPatch, beyond: int = 0) -> Iterator[None]:
    """Let no thread be started, as a limit of processes does; or none beyond so many."""
    left = beyond
    start = threading.Thread.start

    def try_to_start(thread: threading.Thread) -> None:
        nonlocal left
        if not left:
            raise RuntimeError("can't start new thread")
        left -= 1
        start(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", try_to_start)
        yield
