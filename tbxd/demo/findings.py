"""What the event files of a run hold, read back from the files and from nothing else."""

from __future__ import annotations

import os
from collections import Counter

from tbxd.encode import note
from tbxd.reading.events import events_of

from .notebooks import Record, value_bytes

NO_SCALAR = b"no scalar"
"""Stands for the value of something that is no plain scalar."""


def read(run_directory: str) -> dict[str, Counter[Record]]:
    """Return for every directory of the run that holds any, by its path below it, its records.

    What the daemon itself has to say there is none.

    Raises:
        OSError: something cannot be read.
        DamagedFile: a file with a wrong checksum.
    """
    found: dict[str, Counter[Record]] = {}
    for directory, _, _ in os.walk(run_directory):
        records = Counter(
            (
                value.tag,
                event.step,
                value_bytes(value.simple_value) if value.HasField("simple_value") else NO_SCALAR,
            )
            for event in events_of(directory)
            for value in event.summary.value
            if not note.is_note(value.tag)
        )
        if records:
            role = os.path.relpath(directory, run_directory)
            found["" if role == os.curdir else role] = records
    return found
