"""What a process says it has logged: the notebook that it kept beside its logging.

A notebook is a numpy file of rows ``state, step, value, tag, took_ns``, one for each call, kept by
the training program by means that know nothing of tbxd. State 1 is a call that has begun, 2 one
that has returned; 0 ends the notebook.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass

import numpy as np

_EMPTY, _RETURNED = 0, 2

Record = tuple[str, int, bytes]
"""Tag, step and the four bytes of the value, a little-endian float32: as bytes, because NaN is
not even equal to itself."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What one notebook says."""

    returned: Counter[Record]
    """The records whose call has returned: each must be in the files, so many times."""
    unsettled: Record | None
    """The record whose call had begun and not returned when its process was killed: it may be in
    the files once, or not at all."""
    mean_us: float
    """Mean time of a call that has returned, in microseconds, with the clock's own cost."""
    median_us: float
    """Half of the calls took no longer."""


def value_bytes(value: float) -> bytes:
    """Return how an event file holds ``value``."""
    return struct.pack("<f", value)


def read(path: str) -> Notes:
    """Return what the notebook at ``path`` says.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no notebook, or one that no single process can have kept.
    """
    rows = np.load(path, allow_pickle=False)
    states = rows["state"]
    begun = int(np.count_nonzero(states != _EMPTY))
    returned = int(np.count_nonzero(states == _RETURNED))
    if begun - returned > 1 or not (states[:returned] == _RETURNED).all():
        raise ValueError(f"{path}: one call returns before the next begins, here they do not")
    records: list[Record] = [
        (tag.decode(), step, value_bytes(value))
        for tag, step, value in zip(
            rows["tag"][:begun].tolist(),
            rows["step"][:begun].tolist(),
            rows["value"][:begun].tolist(),
            strict=True,
        )
    ]
    took_ns = rows["took_ns"][:returned]
    return Notes(
        returned=Counter(records[:returned]),
        unsettled=records[returned] if begun > returned else None,
        mean_us=float(took_ns.mean()) / 1e3 if returned else 0.0,
        median_us=float(np.median(took_ns)) / 1e3 if returned else 0.0,
    )
