"""Loader processes: they draw batches ahead of the training, and log about every image.

Each has a pipe of its own to the training process, and no lock is shared between any two of them:
whoever is killed takes nothing along but itself. Its pipe then ends, and that is how the training
knows.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

from tbxd_client.writer import SummaryWriter

from . import digits
from .notebook import Notebook, Onlooker, create

TAGS = 2
"""Records for each image."""

_CAUGHT_TIMEOUT_S = 2.0
"""A loader with room for a batch logs every few milliseconds; on one core it may never be seen
doing so, and is killed all the same."""

_QUICK_S = 0.0001
"""A few calls long."""

_END_TIMEOUT_S = 20.0
"""How long a loader may take to end: longer than its writer's close ever takes."""


def load(
    writer: SummaryWriter,
    notebook_path: str,
    pipe: Connection,
    seed: int,
    numbers: range,
    size: int,
) -> None:
    """Draw the batches ``numbers`` of ``size`` images, log about them, and send them on.

    The body of a loader process. ``writer`` is the training process's own; here it logs under
    this process's role.
    """
    # An interrupt from the keyboard is the training's to answer; when it has, the pipe breaks.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    notebook = Notebook(notebook_path, writer)
    for number in numbers:
        batch = digits.draw(seed, number, size)
        inks = batch.images.mean(axis=1) / 255.0
        for index in range(size):
            image = number * size + index
            notebook.add_scalar("image/ink", float(inks[index]), image)
            notebook.add_scalar("image/turned_degrees", float(batch.turns[index]), image)
        try:
            pipe.send(batch)
        except BrokenPipeError:
            # The training is gone, and nobody wants the other batches.
            break
    writer.close()


class Loader:
    """A loader process, as the training process holds it.

    Args:
        role: name of the process, and of its directory below the run's.
        method: how it is started: "fork", "spawn" or "forkserver".
        writer: the training process's writer.
        notebook_path: where it keeps its notebook.
        seed: of the data set.
        numbers: the batches it draws.
        size: images of a batch.
    """

    def __init__(
        self,
        role: str,
        method: str,
        writer: SummaryWriter,
        notebook_path: str,
        seed: int,
        numbers: range,
        size: int,
    ) -> None:
        create(notebook_path, max(1, len(numbers) * size * TAGS))
        self.role = role
        self.notebook_path = notebook_path
        context = multiprocessing.get_context(method)
        self._pipe, theirs = context.Pipe(duplex=False)
        # get_context's type names no Process, though every context has one.
        self._process: multiprocessing.process.BaseProcess = context.Process(  # type: ignore[attr-defined]
            target=load,
            name=role,
            args=(writer, notebook_path, theirs, seed, numbers, size),
            daemon=True,
        )
        self._process.start()
        # Ours would keep the pipe open when the loader is gone.
        theirs.close()

    @property
    def pid(self) -> int:
        """Its process number."""
        assert self._process.pid is not None
        return self._process.pid

    def batches(self) -> Iterator[digits.Batch]:
        """Yield its batches in order; ends when the process does."""
        while True:
            try:
                batch = self._pipe.recv()
            except (EOFError, OSError):
                # OSError: it was killed in the middle of a message.
                return
            assert isinstance(batch, digits.Batch)
            yield batch

    def kill_while_logging(self) -> None:
        """SIGKILL it at an instant at which it is logging, if one is caught in time."""
        onlooker = Onlooker(self.notebook_path)
        looked = time.monotonic()
        deadline = looked + _CAUGHT_TIMEOUT_S
        while looked < deadline:
            before, grown, looked = looked, onlooker.has_grown(), time.monotonic()
            # Grown since a moment ago: it is at it right now. After a longer pause of ours, on
            # busy cores, it may have finished.
            if grown and looked - before < _QUICK_S:
                break
        os.kill(self.pid, signal.SIGKILL)

    def end(self) -> int:
        """Wait until it has ended; return its exit code, -n if signal n killed it."""
        self._process.join(_END_TIMEOUT_S)
        if self._process.exitcode is None:
            raise RuntimeError(f"{self.role} did not end within {_END_TIMEOUT_S:g} s")
        return self._process.exitcode
