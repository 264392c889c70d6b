"""Buffers that are written and not yet known to be on stable storage: a pure machine."""

from __future__ import annotations

from collections import deque


class Unsynced:
    """Keeps what a failed sync would leave in doubt.

    Attributes:
        begin: offset at which the first buffer that is kept begins.
    """

    __slots__ = ("_buffers", "begin")

    def __init__(self) -> None:
        self.begin = 0
        self._buffers: deque[bytes] = deque()

    def add(self, buffer: bytes) -> None:
        """Keep a buffer that has been written behind those that are kept."""
        self._buffers.append(buffer)

    def forget(self, synced: int) -> None:
        """Let go of what lies before the offset ``synced``."""
        while self._buffers and self.begin + len(self._buffers[0]) <= synced:
            self.begin += len(self._buffers.popleft())

    def take(self, synced: int) -> list[bytes]:
        """Return all buffers that do not lie before ``synced``; they begin at ``begin``."""
        self.forget(synced)
        taken = list(self._buffers)
        self._buffers.clear()
        return taken

    def restart(self, offset: int) -> None:
        """Let go of everything; what is added next begins at ``offset``."""
        self._buffers.clear()
        self.begin = offset
