"""What a call with an array costs in the caller's thread, between two steps of computation.

Each case logs the same array again and again, and computes in between for a while, as a training
step does: caches and core are busy, and whoever works in the background has that long. The floor
is one copy of the same array into a warm mapping, under the same conditions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .backends import Backend
from .figures import Figures
from .samples import quantile
from .sizes import Sizes


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of call."""

    name: str
    make: Callable[[np.random.Generator], Any]
    """Makes the array."""
    log: Callable[[Any, Any, int], object]
    """Logs it: writer, array, step."""
    step_s: float
    """How long the training computes between two calls."""


def _noise(generator: np.random.Generator, *shape: int) -> Any:
    return generator.integers(0, 256, shape, np.uint8)


HISTOGRAM = Case(
    "histogram",
    lambda generator: generator.standard_normal(1 << 20, np.float32),
    lambda writer, array, step: writer.add_histogram("weights", array, step),
    step_s=0.06,
)
IMAGE = Case(
    "image",
    lambda generator: _noise(generator, 3, 256, 256),
    lambda writer, array, step: writer.add_image("picture", array, step),
    step_s=0.03,
)
VIDEO = Case(
    "video",
    lambda generator: _noise(generator, 1, 16, 3, 64, 64),
    lambda writer, array, step: writer.add_video("video", array, step),
    step_s=0.06,
)
AUDIO = Case(
    "audio",
    lambda generator: generator.uniform(-1, 1, 44_100).astype(np.float32),
    lambda writer, array, step: writer.add_audio("sound", array, step),
    step_s=0.03,
)
EMBEDDING = Case(
    "embedding",
    lambda generator: generator.standard_normal((10_000, 64), np.float32),
    lambda writer, array, step: writer.add_embedding(array, global_step=step),
    step_s=0.1,
)
MESH = Case(
    "mesh",
    lambda generator: generator.standard_normal((1, 10_000, 3), np.float32),
    lambda writer, array, step: writer.add_mesh("mesh", array, global_step=step),
    step_s=0.03,
)
CASES = (HISTOGRAM, IMAGE, VIDEO, AUDIO, EMBEDDING, MESH)


def measurement_of(case: Case) -> Callable[[Backend, str, Sizes], Figures]:
    """Return the measurement of one case."""

    def measure(backend: Backend, logdir: str, sizes: Sizes) -> Figures:
        generator = np.random.default_rng(1)
        array = case.make(generator)
        layer = generator.standard_normal(1 << 16, np.float32)
        writer = backend.open(logdir)
        log = case.log
        clock = time.perf_counter_ns
        spans: list[int] = []
        step = 0
        deadline = time.monotonic() + sizes.bulk_s
        while step < sizes.bulk_warmup_calls + sizes.bulk_calls or time.monotonic() < deadline:
            _compute(layer, case.step_s)
            before = clock()
            log(writer, array, step)
            spans.append(clock() - before)
            step += 1
        backend.flush(writer)
        writer.close()
        spans = sorted(spans[sizes.bulk_warmup_calls :])
        return {
            "p50_us": quantile(spans, 0.5) / 1e3,
            "max_us": spans[-1] / 1e3,
            "calls": len(spans),
        }

    return measure


def _compute(layer: Any, seconds: float) -> None:
    """Keep one core busy, as a training step does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        np.tanh(layer * 1.01, out=layer)
