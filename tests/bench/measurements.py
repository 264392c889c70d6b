"""What is measured: one row and one file each. To add a measurement, add both.

A measurement is a function that runs in a fresh process, with ``$TBXD_DIR`` a private, empty
directory, and returns its figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import bulk, burst, end_to_end, idle, imports, latency, memory, paced, training
from .backends import (
    DIRECT_FLOOR,
    MAPPED_FLOOR,
    MEASURED,
    SINGLE_FLOOR,
    TBXD,
    TENSORBOARDX,
    Backend,
)
from .figures import Figures
from .sizes import Sizes


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row: a name, what is run, and the floor that stands beside it."""

    name: str
    measure: Callable[[Backend, str, Sizes], Figures]
    floor: Backend | None
    backends: tuple[Backend, ...] = MEASURED
    once: bool = False
    """Too long to be repeated: run in the first round only, and only when asked for."""


MEASUREMENTS = (
    Measurement("burst", burst.measure, MAPPED_FLOOR),
    Measurement("paced", paced.measure, MAPPED_FLOOR),
    Measurement("end_to_end", end_to_end.measure, DIRECT_FLOOR),
    Measurement("latency", latency.measure, SINGLE_FLOOR),
    Measurement("imports", imports.measure, MAPPED_FLOOR),
    Measurement("idle", idle.measure, MAPPED_FLOOR),
    Measurement("memory", memory.measure, MAPPED_FLOOR),
    *(
        Measurement(
            case.name,
            bulk.measurement_of(case),
            MAPPED_FLOOR,
            # torch's writer makes no videos with any moviepy of today.
            backends=(TBXD, TENSORBOARDX) if case is bulk.VIDEO else MEASURED,
        )
        for case in bulk.CASES
    ),
    Measurement("training", training.measure, MAPPED_FLOOR),
    Measurement("ten_million", memory.measure_long, None, backends=(TBXD,), once=True),
)

BY_NAME = {measurement.name: measurement for measurement in MEASUREMENTS}
