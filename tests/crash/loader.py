"""A training whose DataLoader's workers log; one of them is killed, and it goes on with others.

``python -m tests.crash.loader RUN``. Each author's tally lies beside the run. A process of its own,
for torch says that a worker has died by an exception out of a signal handler: wherever the training
happens to be, and be it in a call that logs.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

from tbxd_client import SummaryWriter

from . import producer
from .tally import Tally

WORKERS = 2
ITEM_RECORDS = 100


class Author:
    """Logs what the judge expects, and counts."""

    def __init__(self, writer: SummaryWriter, path: Path) -> None:
        self._writer = writer
        self._words = Tally(path).words

    def log(self, count: int) -> None:
        for step in range(self._words[0], self._words[0] + count):
            self._words[0] = step + 1
            producer.log(self._writer, step)
            self._words[1] = step + 1


class Items(Dataset[int]):
    """Each item is logged by the worker that loads it, and is that worker's pid."""

    def __init__(self, writer: SummaryWriter, root: Path) -> None:
        self._writer = writer
        self._root = root
        self._author: Author | None = None

    def __len__(self) -> int:
        return 1 << 20

    def __getitem__(self, index: int) -> int:
        if self._author is None:
            worker = get_worker_info()
            assert worker is not None
            self._author = Author(self._writer, self._root / f"worker{worker.id}.tally")
        self._author.log(ITEM_RECORDS)
        return os.getpid()


def main() -> None:
    """Train until a worker is dead, which is soon, then without."""
    torch.set_num_threads(1)
    run = Path(sys.argv[1])
    writer = SummaryWriter(run)
    trainer = Author(writer, run.with_name("trainer.tally"))
    loader = DataLoader(Items(writer, run.parent), num_workers=WORKERS, batch_size=None)
    seen: dict[int, int] = {}
    message = ""
    try:
        for pid in loader:
            seen[pid] = seen.get(pid, 0) + 1
            trainer.log(1)
            if len(seen) == WORKERS and sum(seen.values()) == 40:
                os.kill(min(seen), signal.SIGKILL)
    except RuntimeError as error:
        message = str(error)
    assert "killed by signal" in message or "exited unexpectedly" in message, message
    trainer.log(500)
    writer.close()


if __name__ == "__main__":
    main()
