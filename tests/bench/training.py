"""How much slower a training loop becomes by logging 20 scalars and one histogram per step.

A small network is trained by torch on one core. Short stretches of steps with and without logging
take turns in one process: logged, plain, plain, logged. The figure is the median, over many such
groups, of the time of the logged two by that of the plain two. On a shared machine one step varies
by several percent, and slowly: neighbours are compared with neighbours, and often. Before the plain
stretches the training goes on unmeasured until what was logged is done with, so that no plain
step pays for a logged one. The histogram is that of a layer's weights, 262,144 float32.
"""

from __future__ import annotations

import ctypes
import itertools
import statistics
import time
from typing import Any

from .backends import Backend
from .figures import Figures
from .sizes import Sizes

_STRETCH_STEPS = 4

_SETTLED_S = 0.3
"""After so long without a record a writer's threads are at rest."""

_KEEP_BYTES = 1 << 30
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""mallopt(3)."""

_SCALARS = tuple(f"train/metric_{index}" for index in range(20))
_WIDTH = 512
_BATCH = 512


def measure(backend: Backend, logdir: str, sizes: Sizes) -> Figures:
    """Train, with the backend's writer in every other stretch."""
    # In the worker's process, and only for this measurement.
    import torch

    _keep_memory()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = torch.nn.Sequential(
        *(layer for _ in range(4) for layer in (torch.nn.Linear(_WIDTH, _WIDTH), torch.nn.ReLU()))
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    batch = torch.randn(_BATCH, _WIDTH)
    weights = model[0].get_parameter("weight").detach()
    writer: Any = backend.open(logdir)

    def train() -> float:
        optimizer.zero_grad()
        loss = model(batch).square().mean()
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    steps = itertools.count()

    def stretch(*, logging: bool) -> float:
        before = time.perf_counter()
        for step in itertools.islice(steps, _STRETCH_STEPS):
            loss = train()
            if logging:
                for tag in _SCALARS:
                    writer.add_scalar(tag, loss, step)
                writer.add_histogram("weights", weights, step)
        return (time.perf_counter() - before) / _STRETCH_STEPS

    def settle() -> None:
        until = time.perf_counter() + _SETTLED_S
        while time.perf_counter() < until:
            train()

    stretch(logging=True)
    plain: list[float] = []
    ratios: list[float] = []
    for _ in range(sizes.training_groups):
        logged = stretch(logging=True)
        settle()
        plain += [stretch(logging=False), stretch(logging=False)]
        logged += stretch(logging=True)
        ratios.append(logged / sum(plain[-2:]))
    backend.flush(writer)
    writer.close()
    return {
        "step_ms": statistics.median(plain) * 1e3,
        "slowdown_percent": (statistics.median(ratios) - 1) * 100,
    }


def _keep_memory() -> None:
    """Have glibc keep what it has: else each step gives a thousand pages back and faults them in
    again, and how long that takes varies more than all that is measured here."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _KEEP_BYTES)
        mallopt(_M_MMAP_THRESHOLD, _KEEP_BYTES)
