"""A trainer that logs as fast as it can, until somebody kills it.

Record i has the tag ``crash`` and the step i, and says ``value_of(i)``: as a scalar, now and then
as every pixel of a picture or every value of a histogram, which are encoded beside the intake.
"""

from __future__ import annotations

import importlib
import itertools
import os
import time
from pathlib import Path
from typing import Any

import numpy

from .tally import Tally

TAG = "crash"
HISTOGRAM_VALUES = 10_000
PICTURE_SHAPE = (3, 64, 64)


def value_of(step: int) -> float:
    """Return what is logged at ``step``: exact in float32, and different from its neighbours'."""
    return float((step * 2654435761) % (1 << 24))


def open_writer(name: str, run: str) -> Any:
    """Return a writer of tbxd or of one of its peers, into the directory ``run`` itself."""
    if name == "tbxd":
        from tbxd_client import SummaryWriter

        return SummaryWriter(run, role="")
    module = "torch.utils.tensorboard" if name == "torch" else name
    return importlib.import_module(module).SummaryWriter(run)


def log(writer: Any, step: int, *, bulk: bool = True) -> None:
    """Log record ``step``; without ``bulk`` a scalar each."""
    value = value_of(step)
    if not bulk:
        writer.add_scalar(TAG, value, step)
    elif step % 5000 == 4999:
        writer.add_histogram(TAG, numpy.full(HISTOGRAM_VALUES, value, numpy.float32), step)
    elif step % 2000 == 1999:
        writer.add_image(TAG, numpy.full(PICTURE_SHAPE, int(value) % 256, numpy.uint8), step)
    else:
        writer.add_scalar(TAG, value, step)


def main(
    environment: dict[str, str],
    run: str,
    tally_path: str,
    pause_s: float,
    burst: int,
    name: str,
    bulk: bool,
) -> None:
    """Log into the directory ``run`` itself for ever; pause after every ``burst`` records."""
    os.environ.update(environment)
    words = Tally(Path(tally_path)).words
    writer = open_writer(name, run)
    for step in itertools.count():
        words[0] = step + 1
        log(writer, step, bulk=bulk)
        words[1] = step + 1
        if pause_s and step % burst == 0:
            time.sleep(pause_s)
