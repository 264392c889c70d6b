"""CURVE: a drawn plot under the tag, and the points under ``<tag>/data`` in the same event."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from tbxd.proto.event_pb2 import DATA_CLASS_TENSOR, DT_DOUBLE, DT_FLOAT, Event
from tbxd_wire import limits
from tbxd_wire.errors import RecordError
from tbxd_wire.records import Record

from . import axis, lettering
from .arrays import NDArray, array_of, floats_of_array
from .colours import INK, LINE, PALE, WHITE
from .fields import fields_of, text_of
from .picture import event_of
from .polyline import runs_of

TAG_SUFFIX = "/data"

_PLUGIN = "tensor"
"""What torch calls the plugin of a tensor that no dashboard shows."""

_FITS_FLOAT32 = ("bool", "int8", "int16", "uint8", "uint16", "float8", "float16", "bfloat16")

_WIDTH, _HEIGHT = 800, 480
_LEFT, _RIGHT, _TOP, _BOTTOM = 24, 20, 22, 38
"""Margins around the plot, in pixels; the left one beside the labels of the ticks."""
_LABEL_PIXELS = 24
_FONT_PIXELS = 13
_SCALE = 3
"""The curve is drawn so many times as large and made smaller, so that it is smooth."""
_LINE_PIXELS = 2
_MARKED = 40
"""A curve of at most so many points has a dot at each."""


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a CURVE record."""
    x_field, y_field, label_field = fields_of(record, 3)
    x, y = floats_of_array(x_field, "x"), floats_of_array(y_field, "y")
    if x.ndim != 1 or x.shape != y.shape or not 1 <= len(x) <= limits.CURVE_POINTS:
        raise RecordError(
            f"x and y have one shape (n,), n from 1 to {limits.CURVE_POINTS},"
            f" not {x.shape} and {y.shape}"
        )
    label = "" if label_field is None else text_of(label_field, "the label of a curve")
    event = event_of(record, draw(x, y, label))
    exact = all(_fits_float32(array_of(each, "x").dtype) for each in (x_field, y_field))
    _add_points(event, record[1] + TAG_SUFFIX, np.stack([x, y]), exact)
    return [("", event.SerializeToString())]


def draw(x: NDArray, y: NDArray, label: str) -> NDArray:
    """Return the plot: uint8 of shape (height, width, 3).

    Args:
        x, y: float64 of one shape (n,); the line has a gap where one is not finite.
        label: written above; "" for none.
    """
    top = _TOP + (_LABEL_PIXELS if label else 0)
    font = lettering.font_of(_FONT_PIXELS)
    across, upwards = axis.of(x, 8, 0.02), axis.of(y, 6, 0.05)
    left = _LEFT + max((lettering.width_of(text, font) for text in upwards.labels), default=0)
    size = _WIDTH - left - _RIGHT, _HEIGHT - top - _BOTTOM
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), WHITE)
    canvas = ImageDraw.Draw(picture)
    plot = _plot(across, upwards, x, y, size)
    picture.paste(plot, (left, top))
    canvas.rectangle((left - 1, top - 1, left + size[0], top + size[1]), outline=INK)
    for share, text in _ticks(across):
        column = left + round(share * (size[0] - 1))
        canvas.line((column, top + size[1], column, top + size[1] + 4), fill=INK)
        lettering.write(canvas, (column, top + size[1] + 8), text, font, INK, (0.5, 0.0))
    for share, text in _ticks(upwards):
        row = top + round((1 - share) * (size[1] - 1))
        canvas.line((left - 5, row, left - 1, row), fill=INK)
        lettering.write(canvas, (left - 9, row), text, font, INK, (1.0, 0.5))
    if label:
        larger = lettering.font_of(_FONT_PIXELS + 2)
        text = lettering.fitting(label, larger, size[0])
        lettering.write(canvas, (left + size[0] / 2, top / 2), text, larger, INK, (0.5, 0.5))
    return np.asarray(picture)


def _plot(
    across: axis.Axis, upwards: axis.Axis, x: NDArray, y: NDArray, size: tuple[int, int]
) -> Image.Image:
    """Return what is within the axes: the grid and the curve."""
    width, height = size[0] * _SCALE, size[1] * _SCALE
    plot = Image.new("RGB", (width, height), WHITE)
    canvas = ImageDraw.Draw(plot)
    for share, _ in _ticks(across):
        column = round(share * (width - 1))
        canvas.line((column, 0, column, height), fill=PALE, width=_SCALE)
    for share, _ in _ticks(upwards):
        row = round((1 - share) * (height - 1))
        canvas.line((0, row, width, row), fill=PALE, width=_SCALE)
    columns = _pixels(across.shares(x), width)
    rows = _pixels(1 - upwards.shares(y), height)
    marked = len(x) <= _MARKED
    for run in runs_of(columns, rows):
        joint = "curve" if len(run) < 1000 else None
        canvas.line(run, fill=LINE, width=_LINE_PIXELS * _SCALE, joint=joint)
        for point in run if marked or len(run) == 1 else ():
            _dot(canvas, point, (_LINE_PIXELS + 1.5) * _SCALE)
    return plot.resize(size, Image.Resampling.BOX)


def _pixels(shares: NDArray, size: int) -> NDArray:
    """Return places in a plot as pixels: NaN, for a gap, where there is none."""
    return np.where(np.isfinite(shares), shares * (size - 1), np.nan)


def _dot(canvas: ImageDraw.ImageDraw, point: tuple[float, float], radius: float) -> None:
    x, y = point
    canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=LINE)


def _ticks(shown: axis.Axis) -> list[tuple[float, str]]:
    """Return where the ticks are, 0 to 1, and what stands there."""
    shares = shown.shares(np.array(shown.ticks)).tolist()
    return list(zip(shares, shown.labels, strict=True))


def _fits_float32(dtype: str) -> bool:
    return dtype == "float32" or dtype.startswith(_FITS_FLOAT32)


def _add_points(event: Event, tag: str, points: NDArray, exact: bool) -> None:
    """Add the points, float64 of shape (2, n), as float32 if that is ``exact``."""
    value: Any = event.summary.value.add(tag=tag)
    value.metadata.plugin_data.plugin_name = _PLUGIN
    value.metadata.data_class = DATA_CLASS_TENSOR
    value.tensor.dtype = DT_FLOAT if exact else DT_DOUBLE
    for extent in points.shape:
        value.tensor.tensor_shape.dim.add(size=extent)
    # A signalling NaN becomes a quiet one, which numpy would tell.
    with np.errstate(invalid="ignore"):
        value.tensor.tensor_content = points.astype("<f4" if exact else "<f8").tobytes()
