"""How much slower a training loop becomes by logging 20 scalars and one histogram per step.

A small network is trained by torch on one core. Stretches of steps with and without logging take
turns in one process, so that the machine's slow moments fall on both; the figure is the ratio of
their medians. The histogram is that of a layer's weights, 262,144 float32.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from .backends import Backend
from .figures import Figures
from .sizes import Sizes

_STRETCH_STEPS = 8
_SCALARS = tuple(f"train/metric_{index}" for index in range(20))
_WIDTH = 512
_BATCH = 512


def measure(backend: Backend, logdir: str, sizes: Sizes) -> Figures:
    """Train, with the backend's writer in every other stretch."""
    # In the worker's process, and only for this measurement.
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = torch.nn.Sequential(
        *(layer for _ in range(4) for layer in (torch.nn.Linear(_WIDTH, _WIDTH), torch.nn.ReLU()))
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    batch = torch.randn(_BATCH, _WIDTH)
    weights = model[0].weight
    writer: Any = backend.open(logdir)

    def train() -> float:
        optimizer.zero_grad()
        loss = model(batch).square().mean()
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    def stretch(first_step: int, *, logging: bool) -> float:
        before = time.perf_counter()
        for step in range(first_step, first_step + _STRETCH_STEPS):
            loss = train()
            if logging:
                for tag in _SCALARS:
                    writer.add_scalar(tag, loss, step)
                writer.add_histogram("weights", weights, step)
        return (time.perf_counter() - before) / _STRETCH_STEPS

    stretch(0, logging=True)
    stretch(0, logging=False)
    plain: list[float] = []
    logged: list[float] = []
    for index in range(1, sizes.training_stretches + 1):
        # In turns, also within the pairs: no stretch always follows its like.
        for logging in (True, False) if index % 2 else (False, True):
            found = stretch(index * _STRETCH_STEPS, logging=logging)
            (logged if logging else plain).append(found)
    backend.flush(writer)
    writer.close()
    step_s = statistics.median(plain)
    return {
        "step_ms": step_s * 1e3,
        "slowdown_percent": (statistics.median(logged) / step_s - 1) * 100,
    }
