"""Quantiles of samples, and what reading the timer costs. Imports nothing of ours."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence


def quantile(ordered: Sequence[float], fraction: float) -> float:
    """Return the smallest sample that at least ``fraction`` of the samples do not exceed.

    Nearest rank, no interpolation: a quantile is a value that was measured.

    Args:
        ordered: at least one sample, in ascending order.
        fraction: above 0, at most 1.
    """
    return ordered[max(math.ceil(fraction * len(ordered)) - 1, 0)]


def timer_overhead_ns(readings: int = 20_000) -> float:
    """Return the median of what two readings of the timer show with nothing between them.

    It is contained in every sample of a loop that times each call, and is never subtracted.
    """
    clock = time.perf_counter_ns
    spans = []
    for _ in range(readings):
        begin = clock()
        end = clock()
        spans.append(end - begin)
    spans.sort()
    return quantile(spans, 0.5)
