"""What the processes of these tests do: log a few points each, in every way a process can end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import torch
from torch.utils.data import Dataset, get_worker_info

from tbxd_client import SummaryWriter

POINTS = 200


def log(writer: SummaryWriter, tag: str = "points") -> None:
    """Log POINTS points: value = step."""
    for step in range(POINTS):
        writer.add_scalar(tag, float(step), step)


def log_and_return(writer: SummaryWriter) -> None:
    """A child that ends as children of multiprocessing do."""
    log(writer)


def log_and_vanish(writer: SummaryWriter) -> None:
    """A child that ends without any of its exit hooks."""
    log(writer)
    os._exit(0)


def log_and_close(writer: SummaryWriter) -> None:
    """A child that closes what it inherited."""
    log(writer)
    writer.close()


def log_as_rank(run: str, rank: int) -> None:
    """A rank that was started by hand, and learns late which one it is."""
    os.environ["RANK"] = str(rank)
    log(SummaryWriter(run))


class LoggingDataset(Dataset[torch.Tensor]):
    """Logs every item that is loaded, in the worker that loads it."""

    def __init__(self, writer: SummaryWriter, size: int) -> None:
        self.writer = writer
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> torch.Tensor:
        worker = get_worker_info()
        assert worker is not None
        # Fresh workers of a second epoch know nothing of the first: only the clock goes on.
        self.writer.add_scalar("item", float(index), time.monotonic_ns())
        return torch.tensor(index)


def run_of(root: Path) -> Path:
    """Return the run directory under a log directory."""
    return root / "logs" / "run"
