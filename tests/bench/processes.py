"""What Linux tells about a process: memory, context switches, who holds a lock. Only reads."""

from __future__ import annotations

import contextlib
import os
import re

from tbxd_wire import locks
from tbxd_wire.places import DAEMON_LOCK

_SWITCHES = re.compile(r"^(?:non)?voluntary_ctxt_switches:\s*(\d+)", re.MULTILINE)
_FIRST_NUMBER = re.compile(r"\d+")


def memory_mb(pid: int) -> tuple[float, float]:
    """Return ``(now, peak)``: resident memory of ``pid`` in MB (10^6 bytes), shared pages included.

    The peak is the kernel's own (VmHWM), not a sample.
    """
    with open(f"/proc/{pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return _megabytes(fields["VmRSS"]), _megabytes(fields["VmHWM"])


def _megabytes(field: str) -> float:
    return int(field.split()[0]) * 1024 / 1e6


def context_switches(pid: int) -> dict[int, int]:
    """Return, for each thread of ``pid``, how often it was switched out, freely or not."""
    counts = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        # A thread may end between the listing and the reading.
        with (
            contextlib.suppress(FileNotFoundError, ProcessLookupError),
            open(f"/proc/{pid}/task/{thread}/status") as status,
        ):
            counts[int(thread)] = sum(map(int, _SWITCHES.findall(status.read())))
    return counts


def daemon_pid(directory: str) -> int | None:
    """Return the pid of the living daemon that serves the runtime directory, or None.

    The pid stands in the daemon's lock file, and is believed while the lock is held: what is left
    there by a daemon that is gone may be the number of another process by now.
    """
    try:
        lock = open(os.path.join(directory, DAEMON_LOCK), "r+")  # noqa: SIM115
    except FileNotFoundError:
        return None
    with lock:
        found = _FIRST_NUMBER.search(lock.read())
        return int(found[0]) if found and locks.is_held(lock.fileno()) else None
