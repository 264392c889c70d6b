"""A trainer that logs as fast as it can, until somebody kills it.

Record i has the tag ``crash`` and the step i, and says ``value_of(i)``: as a scalar, now and then
as a text, or as every pixel of a picture or every value of a histogram, which are encoded beside
the intake. It may have loaders: forked processes that log with the writer that they inherit.
"""

from __future__ import annotations

import importlib
import itertools
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from .tally import Tally

TAG = "crash"
TEXT_TAG = f"{TAG}/text_summary"
HISTOGRAM_VALUES = 10_000
PICTURE_SHAPE = (3, 64, 64)


@dataclass(frozen=True, slots=True)
class Habits:
    """How a trainer logs."""

    pause_s: float = 0.0
    """How long it pauses after every ``burst`` records."""
    burst: int = 1000
    """See there."""
    bulk_every: int = 1000
    """One of so many records is no scalar but a text, a picture or a histogram; 0: none is."""
    loaders: int = 0
    """How many forked processes log beside it."""


USUAL = Habits()


def value_of(step: int) -> float:
    """Return what is logged at ``step``: exact in float32, and different from its neighbours'."""
    return float((step * 2654435761) % (1 << 24))


def open_writer(name: str, run: str) -> Any:
    """Return a writer of tbxd or of one of its peers, into the directory ``run`` itself.

    A rank's is its rank's directory there.
    """
    if name == "tbxd":
        from tbxd_client import SummaryWriter

        return SummaryWriter(run, role=None if "RANK" in os.environ else "")
    module = "torch.utils.tensorboard" if name == "torch" else name
    return importlib.import_module(module).SummaryWriter(run)


def log(writer: Any, step: int, bulk_every: int = 1000) -> None:
    """Log record ``step``; with no ``bulk_every`` a scalar."""
    value = value_of(step)
    if not bulk_every or (step + 1) % bulk_every:
        writer.add_scalar(TAG, value, step)
    elif (step + 1) % (5 * bulk_every) == 0:
        writer.add_histogram(TAG, numpy.full(HISTOGRAM_VALUES, value, numpy.float32), step)
    elif (step + 1) % (2 * bulk_every) == 0:
        writer.add_image(TAG, numpy.full(PICTURE_SHAPE, int(value) % 256, numpy.uint8), step)
    else:
        writer.add_text(TAG, str(value), step)


def loader_run(run: Path, number: int) -> Path:
    """Return the directory that a loader of the trainer of ``run`` writes."""
    return run / _name(number)


def loader_tally(tally: Path, number: int) -> Path:
    """Return the tally of a loader, from that of its trainer."""
    return tally.with_name(f"{tally.name}.{_name(number)}")


def _name(number: int) -> str:
    return f"loader{number}"


def main(
    environment: dict[str, str],
    run: str,
    tally_path: str,
    name: str = "tbxd",
    habits: Habits = USUAL,
    over: str = "",
) -> None:
    """Log into the directory ``run`` itself until there is a file ``over``, if one is named."""
    os.environ.update(environment)
    writer = open_writer(name, run)
    me = os.getpid()
    loaders = [
        multiprocessing.get_context("fork").Process(
            name=_name(number),
            target=_log,
            # Who has lost its trainer ends, as a DataLoader's workers do.
            args=(
                writer,
                loader_tally(Path(tally_path), number),
                habits,
                lambda: os.path.exists(over) or os.getppid() != me,
            ),
        )
        for number in range(habits.loaders)
    ]
    for loader in loaders:
        loader.start()
    _log(writer, Path(tally_path), habits, lambda: bool(over) and os.path.exists(over))
    for loader in loaders:
        loader.join()
    writer.close()


def _log(writer: Any, tally_path: Path, habits: Habits, is_over: Callable[[], bool]) -> None:
    """Log records 0, 1, 2 ... until it is over, which is asked after every burst."""
    words = Tally(tally_path).words
    for step in itertools.count():
        words[0] = step + 1
        log(writer, step, habits.bulk_every)
        words[1] = step + 1
        if step % habits.burst == 0:
            if is_over():
                return
            if habits.pause_s:
                time.sleep(habits.pause_s)
