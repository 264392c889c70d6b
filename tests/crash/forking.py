"""A trainer that forks, again and again, while one of its threads logs flat out.

``python -m tests.crash.forking WHAT FORKS RUN``. WHAT is logged: ``scalars``, or ``arrays`` long
enough to be sent as views of the journal. Or it is ``generations``: no thread, but a child that
forks a child that forks a child, and each logs before and after.

Every author counts its calls in a tally named after its role, beside the run. The children end in
each way a process can; the trainer logs on, and must neither lose a record by it nor its session.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy

from tbxd_client import SummaryWriter

from .producer import TAG, value_of
from .tally import Tally

CHILD_RECORDS = 20
ARRAY_VALUES = 50_000
_ALIVE = 20
"""Children at a time: what they log is to be written before their patience at exit ends."""

_HANG_S = 60
"""A child that hangs is killed after so long, and seen by its exit code."""


class Author:
    """One process's way to log: a writer that it made or inherited, and a tally of its own."""

    def __init__(self, writer: SummaryWriter, run: Path, role: str, what: str) -> None:
        self.writer = writer
        self._words = Tally(run.with_name(f"{run.name}-{role}.tally")).words
        self._array = numpy.empty(ARRAY_VALUES, numpy.float32) if what == "arrays" else None

    def log(self, count: int = 1) -> None:
        """Log the next ``count`` records."""
        for step in range(self._words[0], self._words[0] + count):
            self._words[0] = step + 1
            if self._array is None:
                self.writer.add_scalar(TAG, value_of(step), step)
            else:
                # It is copied: the next round overwrites it.
                self._array.fill(value_of(step))
                self.writer.add_tensor(TAG, self._array, step)
            self._words[1] = step + 1


def _drop(author: Author) -> None:
    del author.writer
    gc.collect()
    os._exit(0)


def _close(author: Author) -> None:
    author.writer.close()
    os._exit(0)


ENDS: tuple[tuple[Callable[[Author], object], int], ...] = (
    (lambda author: os._exit(0), 0),
    (lambda author: sys.exit(0), 0),
    (_close, 0),
    (_drop, 0),
    (lambda author: os.kill(os.getpid(), signal.SIGKILL), -signal.SIGKILL),
    (lambda author: os.kill(os.getpid(), signal.SIGSEGV), -signal.SIGSEGV),
)
"""How a child ends, and the exit code its parent is told."""


def _exit_code(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _live(author: Author, end: Callable[[Author], object]) -> NoReturn:
    """Be a child: log, and end."""
    author.log(CHILD_RECORDS)
    end(author)
    raise AssertionError("it lives on")


def beside_a_thread(writer: SummaryWriter, run: Path, what: str, forks: int) -> None:
    """Fork while a thread logs."""
    parent = Author(writer, run, "parent", what)
    done = threading.Event()

    def log() -> None:
        while not done.is_set():
            parent.log(100)
            if what == "arrays":
                # Else the journal grows as fast as memory can be copied.
                writer.flush()

    thread = threading.Thread(target=log)
    thread.start()
    children: dict[int, int] = {}
    codes: dict[int, int] = {}
    for number in range(forks):
        while len(children) - len(codes) >= _ALIVE:
            oldest = list(children)[len(codes)]
            codes[oldest] = _exit_code(oldest)
        end, code = ENDS[number % len(ENDS)]
        if (child := os.fork()) == 0:
            signal.alarm(_HANG_S)
            _live(Author(writer, run, f"fork{os.getpid()}", what), end)
        children[child] = code
    codes |= {child: _exit_code(child) for child in children if child not in codes}
    done.set()
    thread.join()
    assert codes == children, (codes, children)
    parent.log()
    writer.close()


def generations(writer: SummaryWriter, run: Path, forks: int) -> None:
    """Log, fork, log: and so do the child and its children."""
    author = Author(writer, run, "parent", "scalars")
    child, depth = 0, 0
    while depth < forks:
        author.log(CHILD_RECORDS)
        if child := os.fork():
            break
        depth += 1
        signal.alarm(_HANG_S)
        author = Author(writer, run, f"fork{os.getpid()}", "scalars")
    author.log(CHILD_RECORDS)
    if child:
        assert _exit_code(child) == ENDS[(depth + 1) % len(ENDS)][1]
    author.log(CHILD_RECORDS)
    if depth:
        ENDS[depth % len(ENDS)][0](author)
    writer.close()


def main() -> None:
    """Do as the command line says."""
    what, forks, run = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    writer = SummaryWriter(run)
    if what == "generations":
        generations(writer, run, forks)
    else:
        beside_a_thread(writer, run, what, forks)


if __name__ == "__main__":
    main()
