"""A trainer that logs scalars as fast as it can, until somebody kills it.

Record i is tag ``crash``, step i, value ``value_of(i)``.
"""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

from tbxd_client import SummaryWriter

from .tally import Tally

TAG = "crash"


def value_of(step: int) -> float:
    """Return what is logged at ``step``: exact in float32, and different from its neighbours'."""
    return float((step * 2654435761) % (1 << 24))


def main(environment: dict[str, str], run: str, tally_path: str, pause_s: float) -> None:
    """Log into the directory ``run`` itself for ever; pause after every thousand records."""
    os.environ.update(environment)
    words = Tally(Path(tally_path)).words
    writer = SummaryWriter(run, role="")
    for step in itertools.count():
        words[0] = step + 1
        writer.add_scalar(TAG, value_of(step), step)
        words[1] = step + 1
        if pause_s and step % 1000 == 0:
            time.sleep(pause_s)
