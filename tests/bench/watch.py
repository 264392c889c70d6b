"""Counts how often the threads of processes are switched in, from outside.

A helper process of the idle measurement: ``python -m tests.bench.watch SECONDS``. Told a line of
process ids, it lets them settle for a second, watches for the given time, and answers with the
number of context switches, voluntary and not, of each process.
"""

from __future__ import annotations

import json
import sys
import time

from .processes import context_switches

_SETTLE_S = 1.0
"""After the last flush: what an idle client is counts from when it has become one."""


def main(watch_s: str) -> None:
    """Watch once, answer, end."""
    print(json.dumps("ready"), flush=True)
    pids = [int(pid) for pid in sys.stdin.readline().split()]
    time.sleep(_SETTLE_S)
    before = [context_switches(pid) for pid in pids]
    time.sleep(float(watch_s))
    after = [context_switches(pid) for pid in pids]
    switched = [
        sum(count - earlier.get(thread, 0) for thread, count in later.items())
        for earlier, later in zip(before, after, strict=True)
    ]
    print(json.dumps(switched), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
