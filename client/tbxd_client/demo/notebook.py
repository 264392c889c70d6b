"""What a process has logged, noted beside the logging by means that know nothing of tbxd.

A notebook is a numpy file of one array, ``numpy.load`` reads it, with one row for each call::

    state    u1   0: no call yet, 1: the call has begun, 2: the call has returned
    step     i8   the arguments of the call
    value    f8
    tag      S32  UTF-8
    took_ns  i8   how long the call took, once it has returned

The file is mapped by the process that logs: what it has stored is the kernel's, and a SIGKILL
takes nothing of it. A row goes to state 1 before its call and to state 2 after it, so whoever was
killed leaves at most one row in state 1, and of that one record nobody can say whether the call
had done its work. Every row in state 2 is a promise to be kept.
"""

from __future__ import annotations

import os
from time import perf_counter_ns

import numpy as np

from tbxd_client.writer import SummaryWriter

BEGUN = 1
RETURNED = 2

TAG_BYTES = 32

_ROW = np.dtype(
    [
        ("state", "u1"),
        ("step", "<i8"),
        ("value", "<f8"),
        ("tag", f"S{TAG_BYTES}"),
        ("took_ns", "<i8"),
    ]
)


def create(path: str, calls: int) -> None:
    """Make the file of an empty notebook with room for ``calls`` calls."""
    np.lib.format.open_memmap(path, mode="w+", dtype=_ROW, shape=(calls,)).flush()
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        # A page that finds no room when it is first touched would kill the process (SIGBUS).
        os.posix_fallocate(descriptor, 0, os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)


class Notebook:
    """Logs through a writer and notes each call; the only author of its file.

    Args:
        path: a file that :func:`create` made.
        writer: what the calls go to.
    """

    def __init__(self, path: str, writer: SummaryWriter) -> None:
        rows = np.asarray(np.load(path, mmap_mode="r+"))
        self._state, self._took_ns = rows["state"], rows["took_ns"]
        self._step, self._value, self._tag = rows["step"], rows["value"], rows["tag"]
        self._add_scalar = writer.add_scalar
        self._next = 0

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        """Note that the call begins, make it, and note that it has returned."""
        row = self._next
        self._next = row + 1
        self._step[row], self._value[row], self._tag[row] = step, value, tag.encode()
        self._state[row] = BEGUN
        began = perf_counter_ns()
        self._add_scalar(tag, value, step)
        self._took_ns[row] = perf_counter_ns() - began
        self._state[row] = RETURNED


class Onlooker:
    """Watches a notebook while its author writes.

    Args:
        path: a file that :func:`create` made.
    """

    def __init__(self, path: str) -> None:
        self._state = np.asarray(np.load(path, mmap_mode="r")["state"])
        self._seen = int(np.count_nonzero(self._state))

    def has_grown(self) -> bool:
        """Return whether calls have begun since the last look."""
        seen, state = self._seen, self._state
        while self._seen < len(state) and state[self._seen]:
            self._seen += 1
        return self._seen > seen
