"""Waiting for a condition, with a deadline: the only way the tests wait for anything."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = 60.0) -> None:
    """Return as soon as ``condition()`` is true.

    Raises:
        AssertionError: it was not within ``timeout_s``; says ``what`` was waited for.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"still waiting after {timeout_s:g} s for {what}"
        time.sleep(0.002)
