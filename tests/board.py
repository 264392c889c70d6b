"""A real TensorBoard process, asked over HTTP."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

DEADLINE_S = 60.0

_ALL = 1_000_000
"""Points kept of each scalar, above any here. (0 should mean all; TensorBoard 2.21 then keeps
all and answers with none, whoever wrote the files.)"""


class Board:
    """Asks a running TensorBoard.

    Attributes:
        address: of its page, without a slash at the end.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def get(self, route: str, **query: str) -> Any:
        """Return the JSON of a route; None while TensorBoard has nothing there."""
        content = self.read(route, **query)
        return None if content is None else json.loads(content)

    def read(self, route: str, **query: str) -> bytes | None:
        """Return what a route holds; None while TensorBoard has nothing there."""
        url = f"{self.address}/data/{route}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=DEADLINE_S) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError:
            return None

    def points(self, run: str, tag: str) -> list[tuple[int, float]]:
        """Return ``(step, value)`` of every point of a scalar; [] if it is not there."""
        answer = self.get("plugin/scalars/scalars", run=run, tag=tag) or []
        return [(step, value) for _, step, value in answer]

    def wait(self, condition: Callable[[], bool], what: Callable[[], object]) -> None:
        """Wait for what TensorBoard shows after one of its next reloads."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f"TensorBoard shows {what()}"
            time.sleep(0.05)


@contextlib.contextmanager
def tensorboard(logdir: Path, *, fast: bool) -> Iterator[Board]:
    """Run TensorBoard over ``logdir``, with every point kept.

    Args:
        fast: its default loader (the data server), or the Python one.
    """
    command = [
        *(sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir), "--port", "0"),
        *("--samples_per_plugin", f"scalars={_ALL}", "--reload_interval", "1"),
        f"--load_fast={'true' if fast else 'false'}",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        address = None
        for line in process.stderr:
            if found := re.search(r"http://localhost:\d+", line):
                address = found[0]
                break
        assert address is not None, "TensorBoard ended without serving"
        yield Board(address)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
