"""Counts that outlive the process that made them, whatever ends it: two words in a mapped file.

``begun`` is raised before a call and ``returned`` after it, so that at any instant, and after any
death, ``returned <= calls that took effect <= begun <= returned + 1``.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_WORDS = struct.Struct("@QQ")


class Tally:
    """The producer's side: raise ``begun``, make the call, raise ``returned``."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(_WORDS.size))
        with path.open("r+b") as file:
            self.words = memoryview(mmap.mmap(file.fileno(), _WORDS.size)).cast("Q")


def read(path: Path) -> tuple[int, int]:
    """Return ``(begun, returned)``; (0, 0) if the producer never began."""
    try:
        begun, returned = _WORDS.unpack(path.read_bytes())
    except (FileNotFoundError, struct.error):
        return 0, 0
    return begun, returned
