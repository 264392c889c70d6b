"""What a call with an array costs in the caller's thread, in a loop that computes in between.

Each step computes for a while, as a training does, and then logs a few times in one go: eight
pictures, but one histogram. Whoever works in the background has a step's time for it, about twice
what tbxd's encoders need on one core. The first call of a step, which finds all caches cold, is a
figure of its own. The floor is one copy of the same array into a warm mapping, under the same
conditions.
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
    """How long the training computes in each step."""
    calls: int = 1
    """How many it logs in one go."""


def _noise(generator: np.random.Generator, *shape: int) -> Any:
    return generator.integers(0, 256, shape, np.uint8)


HISTOGRAM = Case(
    "histogram",
    lambda generator: generator.standard_normal(1 << 20, np.float32),
    lambda writer, array, step: writer.add_histogram("weights", array, step),
    step_s=0.15,
)
IMAGE = Case(
    "image",
    lambda generator: _noise(generator, 3, 256, 256),
    lambda writer, array, step: writer.add_image("picture", array, step),
    step_s=0.3,
    calls=8,
)
VIDEO = Case(
    "video",
    lambda generator: _noise(generator, 1, 16, 3, 64, 64),
    lambda writer, array, step: writer.add_video("video", array, step),
    step_s=2.0,
    calls=4,
)
AUDIO = Case(
    "audio",
    lambda generator: generator.uniform(-1, 1, 44_100).astype(np.float32),
    lambda writer, array, step: writer.add_audio("sound", array, step),
    step_s=0.15,
    calls=4,
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
    step_s=0.15,
    calls=4,
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
        first: list[int] = []
        step = 0
        deadline = time.monotonic() + sizes.bulk_s
        while step < sizes.bulk_warmup_steps + sizes.bulk_steps or time.monotonic() < deadline:
            _compute(layer, case.step_s)
            of_step = []
            for _ in range(case.calls):
                before = clock()
                log(writer, array, step)
                of_step.append(clock() - before)
            if step >= sizes.bulk_warmup_steps:
                spans += of_step
                first.append(of_step[0])
            step += 1
        backend.flush(writer)
        writer.close()
        spans.sort()
        return {
            "p50_us": quantile(spans, 0.5) / 1e3,
            "first_us": quantile(sorted(first), 0.5) / 1e3,
            "max_us": spans[-1] / 1e3,
            "calls": len(spans),
        }

    return measure


def _compute(layer: Any, seconds: float) -> None:
    """Keep one core busy, as a training step does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        np.tanh(layer * 1.01, out=layer)
