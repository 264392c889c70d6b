"""What ten scalars cost every 5 ms: caches cold, threads asleep, as in a training loop."""

from __future__ import annotations

import time

from .backends import Backend
from .figures import LOGGED_VALUE, Figures
from .samples import quantile
from .sizes import Sizes

_TICK_S = 0.005
_TAGS = tuple(f"train/metric_{index}" for index in range(10))


def measure(backend: Backend, logdir: str, sizes: Sizes) -> Figures:
    """Time each group of ten calls, one timer reading before and one after it."""
    writer = backend.open(logdir)
    add = writer.add_scalar
    clock = time.perf_counter_ns
    value = LOGGED_VALUE
    # The daemon and the threads are started before, not in the middle.
    add("warmup", value, 0)
    backend.flush(writer)

    spans = []
    next_tick = time.monotonic()
    for step in range(sizes.paced_ticks):
        next_tick += _TICK_S
        time.sleep(max(next_tick - time.monotonic(), 0.0))
        before = clock()
        for tag in _TAGS:
            add(tag, value, step)
        spans.append(clock() - before)
    backend.flush(writer)
    writer.close()

    spans.sort()
    return {
        "p50_us": quantile(spans, 0.5) / 1e3,
        "p99_us": quantile(spans, 0.99) / 1e3,
        "max_us": spans[-1] / 1e3,
    }
