"""The events of one call: those that a peer writes, and those that become of our records."""

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
from tbxd_client import SummaryWriter
from tests.client.leftovers import Logged

TENSORBOARDX = "tensorboardX"
TORCH = "torch"
PEERS: dict[str, Any] = {
    TENSORBOARDX: tensorboardX.SummaryWriter,
    TORCH: torch_tensorboard.SummaryWriter,
}

Events = dict[str, list[Any]]
"""For each directory below the run's ("" for that itself) its events that have a summary."""

Call = Callable[[Any], None]


def theirs(peer: str, run: Path, call: Call) -> Events | type[Exception]:
    """Return what a peer writes for a call, or the class of what it raises."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        # Both say on the console what they clip, and numpy warns of what they overlook.
        warnings.simplefilter("ignore")
        writer = PEERS[peer](str(run))
        try:
            call(writer)
        except Exception as error:
            return type(error)
        finally:
            writer.close()
    found: Events = {}
    for directory, _, names in os.walk(run):
        for name in sorted(names):
            for event in LegacyEventFileLoader(os.path.join(directory, name)).Load():
                if event.HasField("summary"):
                    place = os.path.relpath(directory, run)
                    found.setdefault("" if place == "." else place, []).append(event)
    return found


def ours(writer: SummaryWriter, logged: Logged, call: Call) -> Events | type[Exception]:
    """Return what becomes of a call here, or the class of what it raises."""
    before = len(logged())
    try:
        call(writer)
    except Exception as error:
        assert len(logged()) == before
        return type(error)
    found: Events = {}
    for record in logged()[before:]:
        for place, data in encode(record):
            found.setdefault(place, []).append(Event.FromString(data))
    return found


def values_of(events: list[Any]) -> list[tuple[int, Any]]:
    """Return ``(step, value)`` of every value."""
    return [(event.step, value) for event in events for value in event.summary.value]
