"""How many event files are open at once: the ones used last.

A run with ``add_scalars`` of a thousand keys has a thousand event files, and a process may have
about as many open files in all. An owner that was not used for the longest time gets its
descriptor closed, and opens its file again when it has something to write.

All methods but :meth:`duplicate` belong to one thread. :meth:`duplicate` is for the thread that
syncs: what it returns cannot be closed under it.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

DESCRIPTORS = 256
"""Default: a quarter of the 1024 open files that a process usually may have."""


class Descriptors:
    """Open file descriptors by owner, the one used last at the end.

    Args:
        limit: most that are open, those of others included; one is always allowed.
        all_open: returns how many are open with those of others. May be called from any thread.
    """

    def __init__(self, limit: int = DESCRIPTORS, all_open: Callable[[], int] | None = None) -> None:
        if limit < 1:
            raise ValueError(f"at least one descriptor must be allowed, not {limit}")
        self._limit = limit
        self._open: OrderedDict[Hashable, int] = OrderedDict()
        self._all_open = all_open or self._open.__len__
        # Held only around dup and close, never around anything that can take long.
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    def use(self, owner: Hashable) -> int | None:
        """Return the descriptor of ``owner`` if it is open; it now counts as used last."""
        descriptor = self._open.get(owner)
        if descriptor is not None:
            self._open.move_to_end(owner)
        return descriptor

    def keep(self, owner: Hashable, descriptor: int) -> None:
        """Take ``descriptor`` over for ``owner``, which has none; others are closed for it."""
        with self._lock:
            while self._open and self._all_open() >= self._limit:
                _close(self._open.popitem(last=False)[1])
            self._open[owner] = descriptor

    def shrink(self) -> bool:
        """Make do with half of what is open: the process has no descriptor left.

        Returns:
            Whether any was closed.
        """
        with self._lock:
            spare = len(self._open) - max(len(self._open) // 2, 1)
            for _ in range(spare):
                _close(self._open.popitem(last=False)[1])
            self._limit = max(self._all_open(), 1)
            return spare > 0

    def close(self, owner: Hashable) -> None:
        """Close the descriptor of ``owner``, if it has one."""
        with self._lock:
            descriptor = self._open.pop(owner, None)
            if descriptor is not None:
                _close(descriptor)

    def close_all(self) -> None:
        """Close all that are open."""
        for owner in list(self._open):
            self.close(owner)

    def duplicate(self, owner: Hashable) -> int | None:
        """Return a descriptor of the same file for the caller to close; from any thread."""
        with self._lock:
            descriptor = self._open.get(owner)
            return None if descriptor is None else os.dup(descriptor)


def _close(descriptor: int) -> None:
    # A network file system may report here what it could not store. Nothing can be done about it
    # without the bytes, and the owner that is being closed is not the one who is writing.
    with contextlib.suppress(OSError):
        os.close(descriptor)
