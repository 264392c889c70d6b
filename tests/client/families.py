"""What the children of test_fork do; here because a spawned child imports it."""

from __future__ import annotations

import multiprocessing
import os
import sys

from tbxd_client import SummaryWriter


def log_twice(writer: SummaryWriter, close: bool) -> None:
    """Log two records as whoever this is."""
    writer.add_scalar("child", 0.5, 1)
    writer.add_scalar("child", 0.5, 2)
    if close:
        writer.close(0.0)


def log_with_child(writer: SummaryWriter) -> None:
    """Log, and have a child of one's own that logs too."""
    log_twice(writer, False)
    child = multiprocessing.get_context("fork").Process(
        target=log_twice, args=(writer, False), name="grandchild"
    )
    child.start()
    child.join()
    assert child.exitcode == 0


def main(method: str, run: str) -> None:
    """Log before, beside and after children of the given kind."""
    writer = SummaryWriter(run)
    writer.add_scalar("parent", 0.5, 1)
    multiprocessing.set_start_method(method)
    children = [
        multiprocessing.Process(target=log_twice, args=(writer, False), name="a"),
        multiprocessing.Process(target=log_twice, args=(writer, True), name="b/c"),
        multiprocessing.Process(target=log_with_child, args=(writer,), name="d"),
    ]
    for child in children:
        child.start()
    writer.add_scalar("parent", 0.5, 2)
    for child in children:
        child.join()
        assert child.exitcode == 0
    writer.add_scalar("parent", 0.5, 3)
    # Without any clean-up: what has returned must be there all the same.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
