"""Every event of a call, with a summary or without: the peers', and those made of our records."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorboardX
import torch.utils.tensorboard as torch_tensorboard
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

from tbxd.encode import encode
from tests.client.leftovers import Logged

TENSORBOARDX = "tensorboardX"
TORCH = "torch"
WRITERS: dict[str, Any] = {
    TENSORBOARDX: tensorboardX.SummaryWriter,
    TORCH: torch_tensorboard.SummaryWriter,
}
FILE_WRITERS: dict[str, Any] = {
    TENSORBOARDX: tensorboardX.FileWriter,
    TORCH: torch_tensorboard.FileWriter,
}

Call = Callable[[Any], Any]


def theirs(peer: type[Any], run: Path, call: Call) -> list[Any]:
    """Return what a peer's writer puts into the run's own files for a call, without the headers.

    Raises:
        What the call raises.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        writer = peer(str(run))
        try:
            call(writer)
        finally:
            writer.close()
    return [
        event
        for name in sorted(os.listdir(run))
        if "tfevents" in name
        for event in LegacyEventFileLoader(str(run / name)).Load()
        if not event.file_version
    ]


def ours(logged: Logged) -> list[Any]:
    """Return the events of all that was logged, as TensorBoard parses them."""
    pairs = [pair for record in logged() for pair in encode(record)]
    assert {place for place, _ in pairs} <= {""}
    return [Event.FromString(data) for _, data in pairs]
