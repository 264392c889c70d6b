"""A writer that travels to a pool with every task: its worker is one author all the same."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from tbxd.ask import ask
from tbxd_client import SummaryWriter
from tests.crash.field import Daemon
from tests.crash.judge import records
from tests.waiting import wait_until

from . import authors

TASKS = 200


def work(task: tuple[SummaryWriter, int]) -> None:
    """Log one point; the writer is dropped then."""
    writer, step = task
    writer.add_scalar("points", float(step), step)


@pytest.mark.parametrize(("method", "ends"), [("fork", True), ("fork", False), ("spawn", False)])
def test_a_worker_s_steps_stay_in_order(
    tmp_path: Path, daemon: Daemon, method: str, ends: bool
) -> None:
    daemon.start()
    run = authors.run_of(tmp_path)
    writer = SummaryWriter(run)
    with multiprocessing.get_context(method).Pool(1) as pool:
        pool.map(work, [(writer, step) for step in range(TASKS)], chunksize=1)
        if ends:
            pool.close()
            pool.join()
    writer.close()
    # Asked, a daemon looks for journals at once.
    wait_until(
        lambda: ask(str(daemon.directory)) and not daemon.journals(), "everything is committed"
    )
    (worker,) = [path for path in run.iterdir() if path.is_dir()]
    assert [step for _, step, _ in records(worker)] == list(range(TASKS))
    assert len(ask(str(daemon.directory))["sessions"]) == 1
