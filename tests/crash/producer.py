"""A trainer that logs as fast as it can, until somebody kills it.

Record i has the tag ``crash`` and the step i, and says ``value_of(i)``: as a scalar, now and then
as every pixel of a picture or every value of a histogram, which are encoded beside the intake.
"""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import numpy

from tbxd_client import SummaryWriter

from .tally import Tally

TAG = "crash"
HISTOGRAM_VALUES = 10_000
PICTURE_SHAPE = (3, 64, 64)


def value_of(step: int) -> float:
    """Return what is logged at ``step``: exact in float32, and different from its neighbours'."""
    return float((step * 2654435761) % (1 << 24))


def log(writer: SummaryWriter, step: int) -> None:
    """Log record ``step``."""
    value = value_of(step)
    if step % 5000 == 4999:
        writer.add_histogram(TAG, numpy.full(HISTOGRAM_VALUES, value, numpy.float32), step)
    elif step % 2000 == 1999:
        writer.add_image(TAG, numpy.full(PICTURE_SHAPE, int(value) % 256, numpy.uint8), step)
    else:
        writer.add_scalar(TAG, value, step)


def main(environment: dict[str, str], run: str, tally_path: str, pause_s: float) -> None:
    """Log into the directory ``run`` itself for ever; pause after every thousand records."""
    os.environ.update(environment)
    words = Tally(Path(tally_path)).words
    writer = SummaryWriter(run, role="")
    for step in itertools.count():
        words[0] = step + 1
        log(writer, step)
        words[1] = step + 1
        if pause_s and step % 1000 == 0:
            time.sleep(pause_s)
