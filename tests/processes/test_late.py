"""Workers that make their writer themselves, in a run whose own writer comes after they started.

Together with test_authors, whose writer is older than all workers, it is each way to start workers
with each age of the writer; pools of processes beside them.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from tbxd_client import SummaryWriter
from tests.crash.field import Daemon
from tests.crash.judge import records

from . import authors

WORKERS = 2
SIZE = 40
EPOCHS = 2
TASKS = 6


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """In the short form, nothing that has to import torch again in each worker."""
    is_long = metafunc.config.getoption("long")
    methods = ["fork", "spawn", "forkserver"] if is_long else ["fork"]
    metafunc.parametrize("method", methods)


class LateDataset(Dataset[torch.Tensor]):
    """Makes its writer with the first item that this worker loads."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._dataset: authors.LoggingDataset | None = None

    def __len__(self) -> int:
        return SIZE

    def __getitem__(self, index: int) -> torch.Tensor:
        if self._dataset is None:
            self._dataset = authors.LoggingDataset(SummaryWriter(self._run), SIZE)
        return self._dataset[index]


def steps_of(directory: Path, tag: str) -> list[int]:
    """Return the steps of one tag in the order of the files."""
    return [step for each, step, _ in records(directory) if each == tag]


@pytest.mark.parametrize("persistent", [True, False])
def test_data_loader(tmp_path: Path, daemon: Daemon, method: str, persistent: bool) -> None:
    run = authors.run_of(tmp_path)
    loader = DataLoader(
        LateDataset(run),
        num_workers=WORKERS,
        persistent_workers=persistent,
        multiprocessing_context=method,
    )
    items: Iterable[torch.Tensor] = iter(loader)
    writer = SummaryWriter(run)
    for epoch in range(EPOCHS):
        assert sorted(int(item) for item in items) == list(range(SIZE))
        authors.log(writer, f"epoch{epoch}")
        items = iter(loader) if epoch + 1 < EPOCHS else []
    del loader, items
    writer.close()
    daemon.settle()
    for epoch in range(EPOCHS):
        assert steps_of(run, f"epoch{epoch}") == list(range(authors.POINTS))
    for worker in range(WORKERS):
        found = [value for _, _, value in records(run / f"worker{worker}")]
        assert found == [float(item) for item in range(worker, SIZE, WORKERS)] * EPOCHS


def work(writer: SummaryWriter | str, task: int) -> str:
    """Log as a worker of a pool; return where."""
    if not isinstance(writer, SummaryWriter):
        writer = SummaryWriter(writer)
    authors.log(writer, f"task{task}")
    return str(writer.stats()["role"])


@pytest.mark.parametrize("made", ["before", "after"])
def test_pool(tmp_path: Path, daemon: Daemon, method: str, made: str) -> None:
    """Its workers are kept, and end when the pool does; each is an author by its name."""
    run = authors.run_of(tmp_path)
    writer = SummaryWriter(run)
    authors.log(writer, "before")
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        given = writer if made == "before" else str(run)
        futures = [pool.submit(work, given, task) for task in range(TASKS)]
        roles = [each.result() for each in futures]
    authors.log(writer, "after")
    writer.close()
    daemon.settle()
    for tag in ("before", "after"):
        assert steps_of(run, tag) == list(range(authors.POINTS))
    assert all("Process-" in role for role in roles)
    for task, role in enumerate(roles):
        assert steps_of(run / role, f"task{task}") == list(range(authors.POINTS))
