"""A trainer that forks, again and again, while it logs flat out.

``python -m tests.crash.forking WHAT FORKS RUN HOW``. WHAT is logged: ``scalars``, or ``arrays``
long enough to be sent as views of the journal. Or it is ``generations``: no thread, but a child
that forks a child that forks a child, and each logs before and after.

HOW it forks: ``told``, as Python does it, while a thread logs. ``untold``: as foreign code does
that does not tell Python; between two forks it logs itself. ``beside a thread``: the same while a
thread logs, and then the interpreter's own lock stops many a child, at any of its steps: what it
had logged until then counts all the same.

Every author counts its calls in a tally named after its role, beside the run. The children end in
each way a process can; the trainer logs on, and must neither lose a record by it nor its session.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy

from tbxd_client import FlushTimeout, SummaryWriter

from .producer import TAG, value_of
from .tally import Tally

CHILD_RECORDS = 20
ARRAY_VALUES = 50_000
_ALIVE = 20
"""Children at a time: what they log is to be written before their patience at exit ends."""

_SWITCH_S = 0.1
"""Who waits for the interpreter asks for it after so long, and an untold child in which somebody
has asked hands it to a thread that is not there. Until then a fork is over, on any machine."""

_HANG_S = 60
"""A child that hangs is killed after so long, and seen by its exit code."""

_STOPPED_S = 5
"""The same for one that the interpreter may have stopped."""


def tally_path(run: Path, role: str) -> Path:
    """Return where the author of a role counts its calls."""
    return run.with_name(f"{run.name}-{role}.tally")


class Author:
    """One process's way to log: a writer that it made or inherited, and a tally of its own."""

    def __init__(self, writer: SummaryWriter, run: Path, role: str, what: str) -> None:
        self.writer = writer
        self._words = Tally(tally_path(run, role)).words
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


def _flush(author: Author) -> None:
    # A child that may start no thread has nobody who sends.
    with contextlib.suppress(FlushTimeout):
        author.writer.flush()
    os._exit(0)


ENDS: tuple[tuple[Callable[[Author], object], int], ...] = (
    (lambda author: os._exit(0), 0),
    (lambda author: sys.exit(0), 0),
    (_close, 0),
    (_flush, 0),
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


def again_and_again(writer: SummaryWriter, run: Path, what: str, forks: int, how: str) -> None:
    """Fork while a thread logs, or log between two forks."""
    fork: Callable[[], int] = os.fork if how == "told" else ctypes.PyDLL(None).fork
    hang_s = _HANG_S
    if how == "beside a thread":
        hang_s = _STOPPED_S
    parent = Author(writer, run, "parent", what)
    done = threading.Event()

    def log() -> None:
        parent.log(100)
        if what == "arrays":
            # Else the journal grows as fast as memory can be copied.
            writer.flush()

    def log_on() -> None:
        while not done.is_set():
            log()

    # Of the other kind, an untold child that exits would wait for it.
    thread = threading.Thread(target=log_on, daemon=True)
    if how != "untold":
        thread.start()
    children: dict[int, int] = {}
    codes: dict[int, int] = {}
    for number in range(forks):
        while len(children) - len(codes) >= _ALIVE:
            oldest = list(children)[len(codes)]
            codes[oldest] = _exit_code(oldest)
        end, code = ENDS[number % len(ENDS)]
        if how == "untold":
            log()
        # Made here, so that a child does nothing before it logs.
        author = Author(writer, run, "child", what)
        if (child := fork()) == 0:
            signal.alarm(hang_s)
            _live(author, end)
        tally_path(run, "child").rename(tally_path(run, f"fork{child}"))
        children[child] = code
    codes |= {child: _exit_code(child) for child in children if child not in codes}
    if how != "untold":
        done.set()
        thread.join()
    if how == "beside a thread":
        codes |= {child: children[child] for child in codes if codes[child] == -signal.SIGALRM}
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
    what, forks, run, how = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    writer = SummaryWriter(run)
    if what == "generations":
        generations(writer, run, forks)
    else:
        if how != "told":
            sys.setswitchinterval(_SWITCH_S)
        again_and_again(writer, run, what, forks, how)


if __name__ == "__main__":
    main()
