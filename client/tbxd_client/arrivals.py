"""What this process has unpickled lately: all copies of one thing are one thing here.

The worker of a pool unpickles the writer that it is to use with every task. Each time it is the
same author: one session, and not hundreds that end a moment later, in whatever order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from . import fork

KEPT = 16
"""Things kept that may be held by nobody: each may have a session, with a journal and a lock."""

_Thing = TypeVar("_Thing")


class Arrivals(Generic[_Thing]):
    """Keeps the things that were asked for last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_key: dict[Hashable, _Thing] = {}
        fork.watch(self)

    def get(self, key: Hashable, make: Callable[[], _Thing]) -> _Thing:
        """Return what ``key`` names, made if it is not there."""
        fork.look()
        found = self._by_key.get(key)
        if found is None:
            # Not with the lock held: it may take its time, or raise.
            found = make()
        with self._lock:
            found = self._by_key.pop(key, found)
            self._by_key[key] = found
            # Let go of only behind the lock: what ends then may take its time, too.
            gone = [self._by_key.pop(each) for each in list(self._by_key)[:-KEPT]]
        del gone
        return found

    def forget_parent(self) -> None:
        """In a forked child: what came to the parent did not come here."""
        self._lock = threading.Lock()
        fork.bury(self._by_key)
        self._by_key = {}
