"""Resident memory of the client, and of the daemon, when a trainer logs flat out.

Resident memory counts shared pages too: a journal's segments, a library's code. The client's own
figure contains the bench in its process, about as much as the floor's column shows.
"""

from __future__ import annotations

import os
import subprocess
import sys

from .backends import Backend
from .count import count_scalars, event_files
from .figures import LOGGED_TAG, LOGGED_VALUE, Figures
from .processes import daemon_pid, memory_mb
from .sizes import LONG_RECORDS, Sizes

_CHECKPOINTS = 10


def measure(backend: Backend, logdir: str, sizes: Sizes) -> Figures:
    """Log about ``sizes.memory_s`` worth of scalars and look at both processes."""
    return _measure(backend, logdir, max(int(backend.records_per_s * sizes.memory_s), 1000))


def measure_long(backend: Backend, logdir: str, sizes: Sizes) -> Figures:
    """Log ten million scalars, look at both processes, and count what arrived."""
    figures = _measure(backend, logdir, LONG_RECORDS)
    files = event_files(logdir)
    counted = count_scalars(files, LOGGED_TAG, LONG_RECORDS, sizes.reference_records)
    return {**figures, "missing": counted.missing, "twice": counted.twice}


def _measure(backend: Backend, logdir: str, records: int) -> Figures:
    writer = backend.open(logdir)
    add = writer.add_scalar
    writer.add_scalar("warmup", LOGGED_VALUE, 0)
    backend.flush(writer)
    daemon = daemon_pid(os.environ["TBXD_DIR"]) if backend.daemon else None

    on_the_way = []
    tag, value = LOGGED_TAG, LOGGED_VALUE
    for part in range(_CHECKPOINTS):
        for step in range(records * part // _CHECKPOINTS, records * (part + 1) // _CHECKPOINTS):
            add(tag, value, step)
        if daemon is not None:
            on_the_way.append(memory_mb(daemon)[0])
    backend.flush(writer)

    end_mb, peak_mb = memory_mb(os.getpid())
    figures = {"records": float(records), "client_end_mb": end_mb, "client_peak_mb": peak_mb}
    if daemon is not None:
        end_mb, peak_mb = memory_mb(daemon)
        figures["daemon_end_mb"] = end_mb
        figures["daemon_peak_mb"] = peak_mb
        # From a tenth of the way on: what grows with the number of records, start-up left out.
        figures["daemon_growth_mb"] = peak_mb - on_the_way[0]
    elif backend.daemon_import_statement:
        figures["daemon_peak_mb"] = _bare_interpreter_mb(backend.daemon_import_statement)
    writer.close()
    return figures


def _bare_interpreter_mb(statement: str) -> float:
    program = (
        f"import os; {statement}; from tests.bench.processes import memory_mb;"
        " print(memory_mb(os.getpid())[1])"
    )
    return float(subprocess.check_output([sys.executable, "-c", program]))
