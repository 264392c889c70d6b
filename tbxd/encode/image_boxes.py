"""IMAGE_BOXES: a picture with boxes drawn into it.

Boxes and their places are the peers': red lines of 2 pixels, labels in black on red in the lower
left corner. The picture is drawn upon at its own size and made larger or smaller afterwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from tbxd_wire import layouts, limits
from tbxd_wire.errors import RecordError
from tbxd_wire.records import Record

from . import lettering
from .arrays import NDArray, floats_of_array
from .fields import fields_of, float_of, texts_of
from .layout import picture_of
from .picture import event_of

_LINE_PIXELS = 2
_FONT_PIXELS = 10
_LABEL_CHARACTERS = 30
_RED = (255, 0, 0)
_BLACK = (0, 0, 0)
_OUTSIDE = 8
"""Boxes that reach out of the picture are cut so many pixels outside: their lines are not seen,
and whatever a record says, drawing them takes no longer than drawing around the picture."""


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of an IMAGE_BOXES record."""
    picture, layout, boxes_field, labels_field, factor_field = fields_of(record, 5)
    boxes = _boxes(boxes_field)
    labels = _labels(labels_field, len(boxes))
    factor = float_of(factor_field, "the factor of a picture's size")
    pixels = picture_of(picture, layout)
    try:
        height, width = layouts.rescaled((pixels.shape[0], pixels.shape[1]), factor)
    except ValueError as error:
        raise RecordError(str(error)) from None
    image = _coloured(pixels)
    _draw(image, boxes, labels)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return [("", event_of(record, np.asarray(image)).SerializeToString())]


def _boxes(value: Any) -> NDArray:
    """Return the boxes: float64 of shape (n, 4)."""
    boxes = floats_of_array(value, "the boxes of a picture")
    if boxes.ndim != 2 or boxes.shape[1] < 4:
        raise RecordError(f"the boxes of a picture have the shape (n, 4), not {boxes.shape}")
    if len(boxes) > limits.BOXES:
        raise RecordError(f"at most {limits.BOXES} boxes are drawn, not {len(boxes)}")
    return boxes[:, :4]


def _labels(value: Any, count: int) -> list[str] | None:
    if value is None:
        return None
    labels = texts_of(value, "the labels of boxes")
    if len(labels) != count:
        raise RecordError(f"there are {len(labels)} labels for {count} boxes")
    return labels


def _coloured(pixels: NDArray) -> Image.Image:
    """Return an image that can hold red."""
    grey = pixels.shape[2] < 3
    if grey:
        pixels = np.concatenate([pixels[:, :, :1]] * 3 + [pixels[:, :, 1:]], axis=2)
    return Image.fromarray(np.ascontiguousarray(pixels))


def _draw(image: Image.Image, boxes: NDArray, labels: list[str] | None) -> None:
    """Draw the boxes in their order; one with a NaN is left out."""
    canvas = ImageDraw.Draw(image)
    font = lettering.font_of(_FONT_PIXELS)
    ends = [image.width, image.height, image.width, image.height]
    cut = np.clip(boxes, -_OUTSIDE, np.add(ends, _OUTSIDE))
    for number, (left, top, right, bottom) in enumerate(cut.tolist()):
        if np.isnan((left, top, right, bottom)).any():
            continue
        around = [(left, top), (left, bottom), (right, bottom), (right, top), (left, top)]
        canvas.line(around, fill=_RED, width=_LINE_PIXELS)
        if labels is not None and labels[number]:
            text = lettering.plain(labels[number], font, _LABEL_CHARACTERS)
            _label(canvas, (left, bottom), text, font)


def _label(
    canvas: ImageDraw.ImageDraw, corner: tuple[float, float], text: str, font: lettering.Font
) -> None:
    """Write a label whose lower left corner is that of its box."""
    left, bottom = corner
    top = bottom - lettering.height_of(font) - 2
    right = left + lettering.width_of(text, font) + 2
    canvas.rectangle([(left, top), (right, bottom)], fill=_RED)
    lettering.write(canvas, (left + 1, top + 1), text, font, _BLACK)
