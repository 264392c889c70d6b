"""Videos."""

from __future__ import annotations

from math import isfinite
from typing import Any

from tbxd_client import arrays
from tbxd_wire import layouts, limits
from tbxd_wire.arrays import Source
from tbxd_wire.kinds import Kind

from . import pixels
from .core import Writer


class VideoMethods(Writer):
    """``add_video``."""

    def add_video(
        self,
        tag: str,
        vid_tensor: Any,
        global_step: Any = None,
        fps: Any = 4,
        walltime: Any = None,
        dataformats: str = "NTCHW",
    ) -> None:
        """Log a video as an animated GIF; several side by side, as N says.

        Args:
            tag, global_step, walltime: as in :meth:`add_image`.
            vid_tensor: array whose values are those of a picture. Channels: 1 grey, 3 RGB, 4 RGB
                and an alpha that is left out. Up to 10,000 frames, up to 65,535 pixels a side.
            fps: frames per second. A GIF counts hundredths of a second, and browsers take less
                than two of them for ten: 50 is the most that is shown.
            dataformats: the dimensions: N, T, C, H, W in any order.

        Raises:
            AssertionError: the layout does not have these five letters, or the array not five
                dimensions.
            TypeError: not 1, 3 or 4 channels, complex numbers, or ``fps`` is no number.
            ValueError: no pixels, too many of them, or ``fps`` is not above 0.
            Otherwise as :meth:`add_scalar`.
        """
        layout = pixels.layout(dataformats)
        frames = _video(arrays.source(vid_tensor, "vid_tensor"), layout)
        rate = _rate(fps)
        self._post_arrays(Kind.VIDEO, tag, global_step, walltime, frames, layout, rate)


def _video(source: Source, layout: str) -> Source:
    extents = pixels.extents(layout, source.shape, layouts.VIDEO)
    if extents["C"] not in (1, 3, 4):
        raise TypeError(f"a video has 1, 3 or 4 channels, not {extents['C']}")
    pixels.check_values(source, "a video")
    if extents["T"] > limits.FRAMES:
        raise ValueError(f"a video has at most {limits.FRAMES} frames, not {extents['T']}")
    rows, columns = layouts.video_grid(extents["N"])
    sides = extents["H"] * rows, extents["W"] * columns
    if max(sides) > limits.FRAME_SIDE:
        raise ValueError(
            f"a frame has at most {limits.FRAME_SIDE} pixels a side, not {sides[0]} x {sides[1]}"
        )
    return source


def _rate(fps: Any) -> float:
    if isinstance(fps, (str, bytes)):
        raise TypeError(f"fps must be a number, not {fps!r:.60}")
    rate = float(fps)
    if not (isfinite(rate) and rate > 0):
        raise ValueError(f"fps must be finite and above 0, not {rate}")
    return rate
