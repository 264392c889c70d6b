"""How many scalars a second one trainer gets into the event file.

The time runs from the first ``add_scalar`` to the moment at which every record can be read: after
the last call and a flush, the sizes of the files are taken and exactly these bytes are counted.
Where a backend's flush leaves records behind, the moment after its close counts instead.
"""

from __future__ import annotations

import time

from .backends import Backend
from .count import count_scalars, event_files
from .figures import LOGGED_TAG, LOGGED_VALUE, Figures
from .sizes import Sizes


def measure(backend: Backend, logdir: str, sizes: Sizes) -> Figures:
    """Log about ``sizes.end_to_end_s`` worth of scalars and wait for them."""
    records = max(int(backend.records_per_s * sizes.end_to_end_s), 1000)
    clock = time.perf_counter
    opened = clock()
    writer = backend.open(logdir)
    writer.add_scalar("warmup", LOGGED_VALUE, 0)
    backend.flush(writer)
    first_flush_s = clock() - opened

    add = writer.add_scalar
    tag, value = LOGGED_TAG, LOGGED_VALUE
    begin = clock()
    for step in range(records):
        add(tag, value, step)
    logged_s = clock() - begin
    backend.flush(writer)
    flushed_s, flushed_files = clock() - begin, event_files(logdir)
    writer.close()
    closed_s, closed_files = clock() - begin, event_files(logdir)

    elapsed_s = flushed_s
    counted = count_scalars(flushed_files, tag, records, sizes.reference_records)
    left_behind = counted.missing
    if left_behind:
        elapsed_s = closed_s
        counted = count_scalars(closed_files, tag, records, 0)
    return {
        "scalars_per_s": records / elapsed_s,
        "caller_s": logged_s,
        "elapsed_s": elapsed_s,
        "records": records,
        "left_behind": left_behind,
        "missing": counted.missing,
        "twice": counted.twice,
        "first_flush_ms": first_flush_s * 1e3,
    }
