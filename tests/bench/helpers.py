"""Child processes of a measured process that look at it, or at its files, from outside."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any


class Helper:
    """A running ``python -m tests.bench.<module>`` that is told lines and answers in JSON."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def tell(self, line: str) -> None:
        """Send one line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """Block, without waking up, until the helper answers; return what it said."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended without an answer")
        return json.loads(line)


@contextlib.contextmanager
def helper(module: str, *arguments: str) -> Iterator[Helper]:
    """Start a helper and wait until it is ready (its first answer); end it with the context."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            running = Helper(process)
            running.answer()
            yield running
        finally:
            process.kill()
