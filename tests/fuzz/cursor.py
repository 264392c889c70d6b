"""A fuzzer's bytes, read as choices: whatever they are, and however few, there is a next one."""

from __future__ import annotations


class Cursor:
    """Goes through bytes once; behind their end everything is zero and empty."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes, or as many as there are."""
        found = self._data[self._at : self._at + size]
        self._at += len(found)
        return found

    def byte(self) -> int:
        """Return the next byte."""
        return int.from_bytes(self.take(1), "little")

    def number(self) -> int:
        """Return a number of up to 64 bits."""
        return int.from_bytes(self.take(8), "little")

    def some(self) -> bytes:
        """Return bytes that say themselves how many they are."""
        return self.take(int.from_bytes(self.take(2), "little"))


def some(content: bytes) -> bytes:
    """Return what :meth:`Cursor.some` reads as ``content``."""
    return len(content).to_bytes(2, "little") + content
