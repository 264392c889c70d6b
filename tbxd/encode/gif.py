"""GIF: frames into the bytes of an animation (CompuServe, "GIF89a Specification", 1990).

Pillow finds the colours of each frame and packs its pixels; the frames are put together here, so
that there are as many as there were (Pillow joins equal ones), and only one is in memory at a time.

A frame has 256 colours of its own. A frame of no more colours, or a grey one, is kept exactly.
For others the colours are a median cut (Heckbert, "Color image quantization for frame buffer
display", 1982) through 4,096 pixels spread over the frame: for 256 x 256 pixels 7 ms instead of
the 100 ms of a cut through all of them, and an error of 6.1 instead of 5.7 levels (root of the
mean square, of a photo).

Only the rectangle that has changed since the frame before is stored.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np
from PIL import GifImagePlugin, Image

from .arrays import NDArray

COLOURS = 256
_SAMPLED = 4096
"""Pixels of a frame that its colours are chosen by."""

_LOOP_FOR_EVER = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_TRAILER = b";"
_KEEP = 1
"""Disposal of a frame: it stays, and the next one is drawn over it."""

DELAY_MIN = 2
DELAY_MAX = 65535
"""Hundredths of a second between frames: browsers show those below 2 as 10; it has 16 bits."""

_pack_screen = struct.Struct("<6sHHBBB").pack


def delay_of(rate: float) -> int:
    """Return the hundredths of a second that are nearest to ``rate`` frames per second."""
    return round(min(max(100 / rate, DELAY_MIN), DELAY_MAX))


def encode(frames: Iterable[NDArray], height: int, width: int, delay: int) -> bytes:
    """Return the animation of ``frames``, which runs for ever.

    Args:
        frames: uint8 of shape (height, width, channels 1 or 3); at least one.
        height, width: at most 65,535.
        delay: hundredths of a second, DELAY_MIN to DELAY_MAX.
    """
    # No colours for all frames: each has its own.
    pieces = [_pack_screen(b"GIF89a", width, height, 0, 0, 0), _LOOP_FOR_EVER]
    before: NDArray | None = None
    for frame in frames:
        top, bottom, left, right = _changed(before, frame)
        image = _with_palette(frame[top:bottom, left:right])
        pieces += GifImagePlugin.getdata(
            image, (left, top), duration=delay * 10, disposal=_KEEP, include_color_table=True
        )
        before = frame
    pieces.append(_TRAILER)
    return b"".join(pieces)


def _changed(before: NDArray | None, frame: NDArray) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of what differs; a frame without a change has a pixel."""
    if before is None:
        return 0, frame.shape[0], 0, frame.shape[1]
    differs = (before != frame).any(axis=2)
    rows = np.flatnonzero(differs.any(axis=1))
    columns = np.flatnonzero(differs.any(axis=0))
    if not len(rows):
        return 0, 1, 0, 1
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _with_palette(pixels: NDArray) -> Image.Image:
    """Return pixels as numbers of colours."""
    if pixels.shape[2] == 1:
        return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0]))
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if image.getcolors(COLOURS) is not None:
        return image.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    every = pixels.reshape(-1, 3)
    # An odd distance, so that in a frame as wide as a power of two not all are of a few columns.
    sampled = every[:: max(1, len(every) // _SAMPLED) | 1]
    colours = Image.fromarray(np.ascontiguousarray(sampled[np.newaxis]))
    palette = colours.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return image.quantize(palette=palette, dither=Image.Dither.NONE)
