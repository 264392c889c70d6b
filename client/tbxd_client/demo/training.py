"""The training loop, and the kill on the way.

Two loaders draw the batches in turn, one forked and one spawned. Half-way the spawned one is
killed while it logs, and another takes over its share under a name of its own (one tag, one
author). What it says of itself goes to a callback, as facts.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tbxd_client.writer import SummaryWriter

from . import digits
from .loader import Loader
from .network import Network
from .notebook import Notebook, create

STEPS = 800
"""Default: some 6 s on two cores, and 97 % of the digits told right."""

BATCH_SIZE = 64

_SEED = 20
_VALIDATION_SEED = 21
_VALIDATION_SIZE = 1024
_HIDDEN = 64
_LEARNING_RATE = 0.1
_VALIDATE_EVERY = 20

_STEP_TAGS = 5
_VALIDATION_TAGS = 2

Say = Callable[[dict[str, Any]], None]
"""Takes one fact, ``{"say": what, ...}``; see :class:`Training`."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a training writes."""

    run: str
    """The run directory."""
    notebooks: str
    """An existing directory for the notebooks, ``<role>.npy`` (``train.npy`` for this process)."""


class Training:
    """One training run.

    The facts it says::

        process  role, pid, notebook           a process logs from now on
        step     step, steps, loss, accuracy   how far it is, once per validation
        killed   role, pid, step
        ended    role, exit_code               -n: killed by signal n

    Args:
        places: where it writes.
        steps: batches to train on, at least 4.
        say: takes the facts.
    """

    def __init__(self, places: Places, steps: int, say: Say) -> None:
        if steps < 4:
            raise ValueError(f"each loader draws a batch before and after the kill: not {steps}")
        self._places = places
        self._steps = steps
        self._say = say
        self._loaders: list[Loader] = []

    def run(self) -> None:
        """Train, kill, close; return when everything of this process is in the event files.

        Raises:
            RuntimeError: a loader ended without having been killed, or did not end.
        """
        with SummaryWriter(self._places.run) as writer:
            path = self._notebook_path("train")
            create(path, self._steps * (_STEP_TAGS + _VALIDATION_TAGS))
            notebook = Notebook(path, writer)
            self._say_process("", os.getpid(), path)
            self._train(notebook, self._batches(writer))
            for loader in self._loaders:
                self._say({"say": "ended", "role": loader.role, "exit_code": loader.end()})

    def _train(self, notebook: Notebook, batches: Iterator[digits.Batch]) -> None:
        """Take the steps and log them."""
        network = Network(_SEED, digits.PIXELS, _HIDDEN, digits.CLASSES)
        unseen = digits.draw(_VALIDATION_SEED, 0, _VALIDATION_SIZE)
        for step in range(self._steps):
            began = time.perf_counter()
            batch = next(batches)
            waited_ms = (time.perf_counter() - began) * 1e3
            rate = _LEARNING_RATE * 0.5 * (1.0 + math.cos(math.pi * step / self._steps))
            outcome, norm = network.train(batch.images, batch.labels, rate)
            notebook.add_scalar("train/loss", outcome.loss, step)
            notebook.add_scalar("train/accuracy", outcome.accuracy, step)
            notebook.add_scalar("train/gradient_norm", norm, step)
            notebook.add_scalar("train/learning_rate", rate, step)
            notebook.add_scalar("train/wait_ms", waited_ms, step)
            if step % _VALIDATE_EVERY == 0 or step == self._steps - 1:
                outcome = network.evaluate(unseen.images, unseen.labels)
                notebook.add_scalar("valid/loss", outcome.loss, step)
                notebook.add_scalar("valid/accuracy", outcome.accuracy, step)
                self._say(
                    {
                        "say": "step",
                        "step": step + 1,
                        "steps": self._steps,
                        "loss": outcome.loss,
                        "accuracy": outcome.accuracy,
                    }
                )

    def _batches(self, writer: SummaryWriter) -> Iterator[digits.Batch]:
        """Yield the batches in order, whoever draws them, and see to the kill."""
        # The even batches are one loader's, the odd ones the other's: who is killed when makes
        # no difference to what the network sees.
        steady = self._start("loader0", "fork", writer, range(0, self._steps, 2))
        victim = self._start("loader1", "spawn", writer, range(1, self._steps, 2))
        from_steady, from_other = steady.batches(), victim.batches()
        killed = False
        for number in range(self._steps):
            source = from_other if number % 2 else from_steady
            batch = next(source, None)
            if batch is None and number % 2 and killed:
                # All that was in the pipe of the killed one is used up.
                killed = False
                heir = self._start("loader2", "spawn", writer, range(number, self._steps, 2))
                from_other = heir.batches()
                batch = next(from_other, None)
            if batch is None:
                raise RuntimeError("a loader ended before its last batch")
            yield batch
            if number == self._steps // 2 | 1:
                # It has room in its pipe again, and will log about its next batch.
                victim.kill_while_logging()
                killed = True
                self._say({"say": "killed", "role": victim.role, "pid": victim.pid, "step": number})

    def _start(self, role: str, method: str, writer: SummaryWriter, numbers: range) -> Loader:
        path = self._notebook_path(role)
        loader = Loader(role, method, writer, path, _SEED, numbers, BATCH_SIZE)
        self._loaders.append(loader)
        self._say_process(role, loader.pid, path)
        return loader

    def _say_process(self, role: str, pid: int, notebook: str) -> None:
        self._say({"say": "process", "role": role, "pid": pid, "notebook": notebook})

    def _notebook_path(self, name: str) -> str:
        return os.path.join(self._places.notebooks, f"{name}.npy")
