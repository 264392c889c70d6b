"""Fork, spawn, forkserver and DataLoader workers with a writer made before them."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest
from torch.utils.data import DataLoader

from tbxd_client import SummaryWriter
from tests.board import Board, tensorboard
from tests.crash.field import Daemon
from tests.waiting import wait_until

from . import authors

LINE = [(step, float(step)) for step in range(authors.POINTS)]


def shown(board: Board, expected: dict[str, list[tuple[int, float]]], tag: str) -> None:
    """Wait until TensorBoard shows exactly the ``expected`` points of ``tag`` in each run."""

    def points() -> dict[str, list[tuple[int, float]]]:
        return {run: board.points(run, tag) for run in expected}

    def lengths() -> dict[str, int]:
        return {run: len(found) for run, found in points().items()}

    board.wait(lambda: points() == expected, lengths)


@pytest.mark.parametrize(
    ("method", "fast"),
    [("fork", True), ("fork", False), ("spawn", True), ("spawn", False), ("forkserver", True)],
)
def test_children(tmp_path: Path, daemon: Daemon, method: str, fast: bool) -> None:
    run = authors.run_of(tmp_path)
    writer = SummaryWriter(run)
    authors.log(writer)
    context = multiprocessing.get_context(method)
    children = [
        context.Process(target=target, args=(writer,), name=target.__name__)  # type: ignore[attr-defined]
        for target in (authors.log_and_return, authors.log_and_vanish, authors.log_and_close)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    authors.log(writer, "after")
    writer.close()
    wait_until(lambda: not daemon.journals(), "everything is committed")
    with tensorboard(tmp_path / "logs", fast=fast) as board:
        names = ("log_and_return", "log_and_vanish", "log_and_close")
        shown(board, {"run": LINE, **{f"run/{name}": LINE for name in names}}, "points")
        shown(board, {"run": LINE}, "after")


def test_bare_fork(tmp_path: Path, daemon: Daemon) -> None:
    run = authors.run_of(tmp_path)
    writer = SummaryWriter(run)
    authors.log(writer)
    child = os.fork()
    if child == 0:
        try:
            authors.log(writer)
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    writer.close()
    wait_until(lambda: not daemon.journals(), "everything is committed")
    with tensorboard(tmp_path / "logs", fast=True) as board:
        shown(board, {"run": LINE, f"run/fork{child}": LINE}, "points")


def test_ranks(tmp_path: Path, daemon: Daemon) -> None:
    run = authors.run_of(tmp_path)
    context = multiprocessing.get_context("spawn")
    ranks = [
        context.Process(target=authors.log_as_rank, args=(str(run), rank)) for rank in range(3)
    ]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join()
    wait_until(lambda: not daemon.journals(), "everything is committed")
    with tensorboard(tmp_path / "logs", fast=True) as board:
        shown(board, {"run": LINE, "run/rank1": LINE, "run/rank2": LINE}, "points")


# Every way to make workers, fresh and persistent; both loaders for those that most people have.
@pytest.mark.parametrize(
    ("method", "persistent", "fast"),
    [
        ("fork", False, True),
        ("fork", False, False),
        ("fork", True, True),
        ("fork", True, False),
        ("spawn", False, True),
        ("spawn", True, False),
        ("forkserver", False, False),
        ("forkserver", True, True),
    ],
)
def test_data_loader(
    tmp_path: Path, daemon: Daemon, method: str, persistent: bool, fast: bool
) -> None:
    run = authors.run_of(tmp_path)
    writer = SummaryWriter(run)
    authors.log(writer)
    size = 40
    loader = DataLoader(
        authors.LoggingDataset(writer, size),
        num_workers=2,
        persistent_workers=persistent,
        multiprocessing_context=method,
    )
    epochs = 2
    loaded = [int(item) for _ in range(epochs) for item in loader]
    assert sorted(loaded) == sorted(list(range(size)) * epochs)
    del loader
    writer.close()
    wait_until(lambda: not daemon.journals(), "everything is committed")
    with tensorboard(tmp_path / "logs", fast=fast) as board:
        shown(board, {"run": LINE}, "points")
        for worker in range(2):
            # Item i is loaded by worker i % 2, once in each epoch.
            expected = [float(item) for item in range(worker, size, 2)] * epochs

            def found(worker: int = worker) -> list[float]:
                return [value for _, value in board.points(f"run/worker{worker}", "item")]

            board.wait(lambda: found() == expected, found)  # noqa: B023
