"""VIDEO: frames as an animated GIF, several videos side by side in a grid."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

import numpy as np

from tbxd_wire import layouts, limits
from tbxd_wire.errors import RecordError
from tbxd_wire.records import Record

from . import gif
from .arrays import NDArray
from .event import begin
from .fields import fields_of, float_of, text_of
from .layout import arranged, grid
from .picture import store
from .pixels import bytes_of

_CHANNELS_SHOWN = {1: 1, 3: 3, 4: 3}
"""By channels: grey, RGB, RGB with an alpha that is left out (a GIF's pixels are there or not)."""


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a VIDEO record.

    Every frame becomes a frame, whether it differs from the one before or not.
    """
    frames, layout, rate_field = fields_of(record, 3)
    rate = float_of(rate_field, "the frames per second of a video")
    if not (isfinite(rate) and rate > 0):
        raise RecordError(f"the frames per second of a video are above 0, not {rate}")
    video = _video(frames, text_of(layout, "the layout of a video"))
    rows, columns = layouts.video_grid(video.shape[1])
    height, width, channels = rows * video.shape[2], columns * video.shape[3], video.shape[4]
    if max(height, width) > limits.FRAME_SIDE:
        raise RecordError(
            f"a frame has at most {limits.FRAME_SIDE} pixels a side, not {height} x {width}"
        )
    pictures = _pictures(video, rows, columns)
    encoded = gif.encode(pictures, height, width, gif.delay_of(rate))
    event = begin(record)
    store(event, record[1], (height, width, channels), encoded)
    return [("", event.SerializeToString())]


def _video(frames: Any, layout: str) -> NDArray:
    """Return the record's values, of shape (frames, videos, height, width, channels 1 or 3)."""
    video = arranged(frames, layout, layouts.VIDEO)
    if len(video) > limits.FRAMES:
        raise RecordError(f"a video has at most {limits.FRAMES} frames, not {len(video)}")
    shown = _CHANNELS_SHOWN.get(video.shape[4])
    if shown is None:
        raise RecordError(f"a video has 1, 3 or 4 channels, not {video.shape[4]}")
    return video[..., :shown]


def _pictures(video: NDArray, rows: int, columns: int) -> Iterator[NDArray]:
    """Yield the frames, each with its grid, as uint8."""
    if video.dtype.kind in "iub" and video.dtype != np.uint8:
        # Whether it is a mask is known from all of the frames.
        video = bytes_of(video)
    for frame in video:
        yield grid(bytes_of(frame), rows, columns)
