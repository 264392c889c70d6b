"""A bell that wakes the loop from its sleep: rung by signals and by helper threads.

A pipe and not an eventfd, because Python's own signal handler writes single bytes: only what
happens in that handler comes before the sleep that it is to end (see tbxd.signals).
"""

from __future__ import annotations

import contextlib
import math
import os
import select

_READ_BYTES = 4096


class Wake:
    """One pipe. ``up`` may be called from any thread."""

    def __init__(self) -> None:
        self.descriptor, self.bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        """To poll: readable once a byte was written to ``bell``, until :meth:`clear`."""

    def up(self) -> None:
        """Wake whoever waits, now or next."""
        # A helper thread may come late, after the end. A full pipe wakes as well as one byte.
        if self.bell >= 0:
            with contextlib.suppress(BlockingIOError):
                os.write(self.bell, b"!")

    def clear(self) -> None:
        """Forget all that has rung so far."""
        with contextlib.suppress(BlockingIOError):
            while len(os.read(self.descriptor, _READ_BYTES)) == _READ_BYTES:
                pass

    def wait(self, timeout_s: float) -> None:
        """Sleep until it rings, or for ``timeout_s``; then clear."""
        # Not select(), which knows no descriptor beyond 1023.
        bell = select.poll()
        bell.register(self.descriptor, select.POLLIN)
        bell.poll(math.ceil(max(timeout_s, 0.0) * 1000))
        self.clear()

    def close(self) -> None:
        """Give the descriptors back; ``up`` does nothing from now on."""
        bell, self.bell = self.bell, -1
        os.close(bell)
        os.close(self.descriptor)
