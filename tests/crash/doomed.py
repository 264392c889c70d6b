"""Runs a daemon or a trainer that kills itself at a named step.

``python -m tests.crash.doomed STEP serve ...`` or ``... STEP train RUN TALLY``. A step is
``module:name,moment,count``: at the ``count``-th call of a function, and the moment is ``before``
it, ``after`` it, or ``halfway`` (of os.write alone: half of the bytes are written).
"""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import signal
import sys
from typing import Any, NoReturn

_RECORD_BYTES = 100
"""A shorter write is no round of events: the daemon wakes itself with a byte."""


def _die() -> NoReturn:
    while True:
        os.kill(os.getpid(), signal.SIGKILL)


def arm(step: str) -> None:
    """Have this process die at ``step``."""
    where, moment, number = step.split(",")
    module, _, name = where.partition(":")
    holder: Any = importlib.import_module(module)
    *outer, name = name.split(".")
    for each in outer:
        holder = getattr(holder, each)
    real = getattr(holder, name)
    calls = itertools.count(1)

    @functools.wraps(real)
    def doomed(*arguments: Any, **options: Any) -> Any:
        if not _counts(where, arguments) or next(calls) != int(number):
            return real(*arguments, **options)
        if moment == "halfway":
            descriptor, data = arguments
            real(descriptor, data[: len(data) // 2])
        if moment == "after":
            real(*arguments, **options)
        return _die()

    setattr(holder, name, doomed)


def _counts(where: str, arguments: tuple[Any, ...]) -> bool:
    """Return whether a call of a function of the system is about events or journals."""
    if where == "os:write":
        return len(arguments[1]) >= _RECORD_BYTES
    if where == "os:unlink":
        return str(arguments[0]).endswith(".journal")
    return True


def main() -> None:
    """Do as the command line says."""
    step, what, *arguments = sys.argv[1:]
    arm(step)
    if what == "serve":
        from tbxd.cli import group

        group(["serve", *arguments])
    else:
        from . import producer

        run, tally = arguments
        producer.main({}, run, tally, habits=producer.Habits(pause_s=0.001))


if __name__ == "__main__":
    main()
