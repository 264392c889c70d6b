"""What ``add_scalar`` costs in the caller's thread when it is called flat out.

The mean is that of a loop with nothing but the calls in it (the clock is read once per 1,000 of
them); how much of it the thread spent on a core tells the code's own cost from the machine's
other work. The quantiles come from a second loop that times each call; they contain the timer's own
cost, which is a figure of its own.
"""

from __future__ import annotations

import itertools
import time

from .backends import Backend
from .figures import LOGGED_TAG, LOGGED_VALUE, Figures
from .samples import quantile, timer_overhead_ns
from .sizes import Sizes

_CALLS_PER_CLOCK = 1000


def measure(backend: Backend, logdir: str, sizes: Sizes) -> Figures:
    """Run both loops, each for ``sizes.burst_loop_s``."""
    writer = backend.open(logdir)
    add = writer.add_scalar
    clock = time.perf_counter_ns
    tag, value = LOGGED_TAG, LOGGED_VALUE
    loop_ns = int(sizes.burst_loop_s * 1e9)

    steps = itertools.count()
    for step in itertools.islice(steps, sizes.burst_warmup_calls):
        add(tag, value, step)

    calls = 0
    cpu_begin = time.thread_time_ns()
    begin = clock()
    end = begin
    while end - begin < loop_ns:
        for step in itertools.islice(steps, _CALLS_PER_CLOCK):
            add(tag, value, step)
        calls += _CALLS_PER_CLOCK
        end = clock()
    cpu_ns = time.thread_time_ns() - cpu_begin

    spans: list[int] = []
    record = spans.append
    deadline = clock() + loop_ns
    while not spans or clock() < deadline:
        for step in itertools.islice(steps, _CALLS_PER_CLOCK):
            before = clock()
            add(tag, value, step)
            record(clock() - before)
    backend.flush(writer)
    writer.close()

    spans.sort()
    return {
        "mean_us": (end - begin) / calls / 1e3,
        "cpu_us": cpu_ns / calls / 1e3,
        "p50_us": quantile(spans, 0.5) / 1e3,
        "p99_us": quantile(spans, 0.99) / 1e3,
        "p99_9_us": quantile(spans, 0.999) / 1e3,
        "max_us": spans[-1] / 1e3,
        "timer_us": timer_overhead_ns() / 1e3,
        "calls": calls,
    }
