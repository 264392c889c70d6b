"""Pictures as TensorBoard's own reader finds them in an event file, and as ours become events."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorboardX
import torch.utils.tensorboard as torch_tensorboard
from PIL import Image
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

from tbxd.encode import encode
from tbxd_wire.records import Record

PEERS: dict[str, Any] = {
    "tensorboardX": tensorboardX.SummaryWriter,
    "torch": torch_tensorboard.SummaryWriter,
}
Pixels = np.ndarray[Any, np.dtype[Any]]
Call = Callable[[Any], None]


@dataclass(frozen=True)
class Picture:
    """One picture of an event."""

    tag: str
    step: int
    wall_time: float
    height: int
    width: int
    colorspace: int
    encoded: bytes

    @property
    def image(self) -> Image.Image:
        return Image.open(io.BytesIO(self.encoded))

    @property
    def rgb(self) -> Pixels:
        """The pixels as RGB without alpha: (height, width, 3)."""
        return np.asarray(self.image.convert("RGB"))

    @property
    def rgba(self) -> Pixels:
        return np.asarray(self.image.convert("RGBA"))

    @property
    def frames(self) -> list[Pixels]:
        """The frames of an animation, each as RGB."""
        image, found = self.image, []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            found.append(np.asarray(image.convert("RGB")))
        return found

    @property
    def durations_ms(self) -> list[int]:
        image, found = self.image, []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            found.append(image.info["duration"])
        return found


def pictures_of(events: list[Any]) -> list[Picture]:
    return [
        Picture(
            value.tag,
            event.step,
            event.wall_time,
            value.image.height,
            value.image.width,
            value.image.colorspace,
            value.image.encoded_image_string,
        )
        for event in events
        for value in event.summary.value
        if value.HasField("image")
    ]


def ours(records: list[Record]) -> list[Picture]:
    """Return the pictures of records as they lie in a journal."""
    pairs = [pair for record in records for pair in encode(record)]
    assert all(directory == "" for directory, _ in pairs)
    return pictures_of([Event.FromString(data) for _, data in pairs])


def theirs(peer: str, directory: Path, call: Call) -> list[Picture] | Exception:
    """Return what a peer writes for a call, or what it raises."""
    with warnings.catch_warnings():
        # Values that do not fit a uint8 make numpy warn in both.
        warnings.simplefilter("ignore")
        writer = PEERS[peer](str(directory))
        try:
            call(writer)
        except Exception as error:
            return error
        finally:
            writer.close()
    events = []
    for name in sorted(os.listdir(directory)):
        events += list(LegacyEventFileLoader(str(directory / name)).Load())
    return pictures_of(events)
