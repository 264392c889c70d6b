"""All measurements of all backends, round after round, interleaved: A B C A B C ...

A slow stretch of the machine then falls on every backend alike, and a ratio is taken between
neighbours in time.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .backends import Backend
from .figures import Figures
from .measurements import Measurement
from .place import private_place

WORKER_TIMEOUT_S = 600.0


class WorkerFailed(Exception):
    """A measured process ended with an error, gave no figures, or did not end in time."""

    def __init__(self, measurement: str, backend: str, reason: str) -> None:
        super().__init__(f"{measurement} of {backend}: {reason}")


@dataclass(frozen=True, slots=True)
class Task:
    """One process to run."""

    round: int
    measurement: Measurement
    backend: Backend


@dataclass(slots=True)
class Results:
    """The figures of all rounds, by measurement and backend."""

    rounds: dict[str, dict[str, list[Figures]]] = field(default_factory=dict)

    def add(self, task: Task, figures: Figures) -> None:
        """Keep the figures of one finished task."""
        of_measurement = self.rounds.setdefault(task.measurement.name, {})
        of_measurement.setdefault(task.backend.name, []).append(figures)

    def values(self, measurement: str, backend: str, figure: str) -> list[float]:
        """Return one figure of each round; empty where the backend has no such figure."""
        found = self.rounds.get(measurement, {}).get(backend, [])
        return [figures[figure] for figures in found if figure in figures]


def plan(
    measurements: Sequence[Measurement], backends: Sequence[Backend], rounds: int
) -> list[Task]:
    """Return all tasks in the order in which they run."""
    tasks = []
    for index in range(rounds):
        for measurement in measurements:
            if measurement.once and index:
                continue
            subjects = [backend for backend in backends if backend in measurement.backends]
            if measurement.floor is not None:
                subjects.append(measurement.floor)
            tasks += [Task(index, measurement, backend) for backend in subjects]
    return tasks


def run(tasks: Sequence[Task], sizes_name: str, started: Callable[[Task], None]) -> Results:
    """Run the tasks one after the other; ``started`` is told each as it begins.

    Raises:
        WorkerFailed: at the first task that fails.
    """
    results = Results()
    for task in tasks:
        started(task)
        results.add(task, _run_one(task, sizes_name))
    return results


def _run_one(task: Task, sizes_name: str) -> Figures:
    names = (task.measurement.name, task.backend.name)
    with private_place() as place:
        command = [sys.executable, "-m", "tests.bench.worker", *names, place.logdir, sizes_name]
        try:
            ended = subprocess.run(
                command,
                env=place.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=WORKER_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            raise WorkerFailed(*names, f"did not end within {WORKER_TIMEOUT_S:g} s") from None
    if ended.returncode or not ended.stdout.strip():
        raise WorkerFailed(*names, f"exit status {ended.returncode}\n{ended.stderr.strip()}")
    figures: Figures = json.loads(ended.stdout.splitlines()[-1])
    return figures
