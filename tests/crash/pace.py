"""How long the calls of a trainer took while it was under attack."""

from __future__ import annotations

import time

from tbxd_client import SummaryWriter

from . import producer


class Pace:
    """Logs what the judge expects, and looks at the clock."""

    def __init__(self) -> None:
        self.slowest_call_s = 0.0
        self.slowest_close_s = 0.0

    def log(self, writer: SummaryWriter, first: int, count: int) -> None:
        """Log the scalars ``first`` to ``first + count - 1``."""
        for step in range(first, first + count):
            before = time.perf_counter()
            writer.add_scalar(producer.TAG, producer.value_of(step), step)
            self.slowest_call_s = max(self.slowest_call_s, time.perf_counter() - before)

    def close(self, writer: SummaryWriter, timeout_s: float = 30.0) -> None:
        """Close a writer; fail if that takes longer than it was told to."""
        before = time.monotonic()
        writer.close(timeout_s=timeout_s)
        took = time.monotonic() - before
        self.slowest_close_s = max(self.slowest_close_s, took)
        assert took < timeout_s + 1.0
