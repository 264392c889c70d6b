"""Runs a daemon or a trainer whose wall clock is wrong, and jumps when a test says so.

``python -m tests.crash.skewed CLOCK serve ...`` or ``... CLOCK train RUN TALLY``. CLOCK is a file
with the seconds by which ``time.time`` goes wrong. (The monotonic clock is the system's own.)
"""

from __future__ import annotations

import mmap
import struct
import sys
import time
from pathlib import Path

_SECONDS = struct.Struct("@d")


class Clock:
    """A test's side: sets how wrong the clocks are that look into a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(bytes(_SECONDS.size))

    def jump(self, seconds: float) -> None:
        """Let it go on from ``seconds`` later, or earlier."""
        with self.path.open("r+b") as file:
            (before,) = _SECONDS.unpack(file.read())
            file.seek(0)
            file.write(_SECONDS.pack(before + seconds))


def follow(path: str) -> None:
    """Have this process's wall clock be as wrong as the file says, at any instant."""
    real = time.time
    with open(path, "rb") as file:
        words = memoryview(mmap.mmap(file.fileno(), _SECONDS.size, prot=mmap.PROT_READ))
    seconds = words.cast("d")
    time.time = lambda: real() + seconds[0]


def main() -> None:
    """Do as the command line says."""
    clock, what, *arguments = sys.argv[1:]
    follow(clock)
    if what == "serve":
        from tbxd.cli import group

        group(["serve", *arguments])
    else:
        from .producer import Habits
        from .producer import main as train

        run, tally = arguments
        train({}, run, tally, habits=Habits(pause_s=0.01, burst=20, bulk_every=0))


if __name__ == "__main__":
    main()
