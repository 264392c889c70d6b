"""A trainer whose calls are interrupted at each of their lines in turn.

``python -m tests.crash.interrupted CALL DEED STRIDE RUN``. A tracer stands for a signal handler, or
for a destructor that the garbage collector runs: both come in between two steps of another call, in
the same thread, and that call cannot go on before they are over.

Each attempt takes another line, at a distance of STRIDE. In attempt n the main program logs record
n of the tag ``main``, and what interrupts it record n of ``handler``. Prints how many attempts that
were. Each time all is closed at the end, and no journal may be left then: what ``close`` does not
know of, it cannot wait for.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import linecache
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy

import tbxd_client
from tbxd_client import FlushTimeout, SummaryWriter
from tbxd_wire import places

from .field import Daemon
from .producer import HISTOGRAM_VALUES, value_of

_PACKAGE = os.path.dirname(tbxd_client.__file__)
_HANG_S = 30
"""A child that hangs is killed after so long, and seen by its status."""

_ARRAY = numpy.zeros(HISTOGRAM_VALUES, numpy.float32)

_LONGEST_S = 5.0
"""Half of what a close waits that waits in vain."""


def interrupt(call: Callable[[], None], deed: Callable[[], None], line: int) -> bool:
    """Do ``deed`` just before line number ``line`` of ``call``; return whether that came."""
    lines = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            return None
        if event == "line" and not _is_safe(frame):
            lines += 1
            if lines == line:
                deed()
        return trace

    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(None)
    return lines >= line


def _is_safe(frame: FrameType) -> bool:
    """Whether no signal handler can come in before a line, but a tracer that raises would harm.

    The interpreter runs handlers behind a call, before what is left of its ``try``: there the
    journal knows how to let go of its lock.
    """
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    return line.strip() == "lock.release()"


class Trainer:
    """Logs into ``run``, and forks where it is told to."""

    def __init__(self, run: str) -> None:
        self.writer = SummaryWriter(run, role="")
        self.child = 0
        self.is_child = False

    def log(self, tag: str, step: int) -> None:
        self.writer.add_scalar(tag, value_of(step), step)

    def log_and_close(self, tag: str, step: int) -> None:
        self.log(tag, step)
        self.writer.close()

    def log_close_and_exit(self, tag: str, step: int) -> None:
        self.log_and_close(tag, step)
        sys.exit()

    def fork(self) -> None:
        """Fork; the child, too, goes on with what was interrupted."""
        self._go_on(os.fork())

    def fork_untold(self) -> None:
        """The same, and Python is not told."""
        self._go_on(ctypes.PyDLL(None).fork())

    def _go_on(self, child: int) -> None:
        self.child = child
        if self.child == 0:
            self.is_child = True
            signal.alarm(_HANG_S)

    def end_child(self, step: int) -> None:
        """In the child: log as another author, and end. In the parent: wait for that."""
        if self.is_child:
            self.log("child", step)
            self.writer.close()
            os._exit(0)
        if self.child:
            assert os.waitpid(self.child, 0)[1] == 0, f"the child of attempt {step}"

    def attack(self, call: str, deed: str, step: int, line: int) -> bool:
        """Interrupt one call; return whether it has so many lines."""
        if call != "the first record":
            self.log("main", step)
        calls: dict[str, Callable[[], None]] = {
            "the first record": lambda: self.log("main", step),
            "an array": lambda: self.log_array(step),
            "flush": self.flush,
            "close": self.writer.close,
        }
        deeds: dict[str, Callable[[], None]] = {
            "logs": lambda: self.log("handler", step),
            "logs and closes": lambda: self.log_and_close("handler", step),
            "logs, closes and exits": lambda: self.log_close_and_exit("handler", step),
            "forks": self.fork,
            "forks untold": self.fork_untold,
        }
        before = time.monotonic()
        came = interrupt(calls[call], deeds[deed], line)
        self.end_child(step)
        self.writer.close()
        assert time.monotonic() - before < _LONGEST_S, f"line {line}"
        assert self.writer.stats()["shed"] == 0, f"line {line}"
        if deed == "forks untold" and self.child:
            # The child has left its journal to the daemon.
            Daemon(Path(os.environ[places.DIRECTORY_VARIABLE])).settle()
        names = os.listdir(os.environ[places.DIRECTORY_VARIABLE])
        assert not [name for name in names if name.endswith(".journal")], f"line {line}"
        return came

    def log_array(self, step: int) -> None:
        """Log what is copied beside the quick way, for as long as nothing ends the program."""
        with contextlib.suppress(SystemExit):
            self.writer.add_histogram("array", _ARRAY, step)

    def flush(self) -> None:
        """Flush, and take it if that fails because the session was closed meanwhile."""
        with contextlib.suppress(FlushTimeout):
            self.writer.flush()


def main() -> None:
    """Do as the command line says."""
    call, deed, stride, run = sys.argv[1:]
    for step in itertools.count():
        if not Trainer(run).attack(call, deed, step, 1 + step * int(stride)):
            print(step + 1)
            return


if __name__ == "__main__":
    main()
