"""HEATMAP: a matrix as a picture, with labels at its sides, a scale, and perhaps its numbers.

The picture is never wider or higher than SIDE pixels. A matrix of more than CELLS rows or columns
is drawn as the means of its blocks (tbxd.encode.blocks).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from tbxd_wire.errors import RecordError
from tbxd_wire.records import Record

from . import axis, blocks, colours, lettering
from .arrays import NDArray, numpy_of
from .colours import INK, WHITE
from .fields import fields_of, texts_of
from .picture import event_of

SIDE = 2000
"""Most pixels of a side of the picture."""
CELLS = 1600
"""Most pixels of a side of the matrix in it: 400 are for the labels."""

_GAP = 10
_CELL, _CELL_MOST = 30, 110
"""Pixels of a cell without a number, and of the largest one: a matrix of few cells."""
_SMALL = 240
"""A matrix is drawn at least about so large, as far as _CELL_MOST allows."""
_THIN = 24
"""The shorter side of a matrix of few rows or columns, at least."""
_FONT_PIXELS = 13
_FONT_LEAST = 8
_LABEL_MOST = 150
"""Most pixels of a label's length."""
_SCALE_WIDTH = 16


@dataclass(frozen=True, slots=True)
class Side:
    """The labels along one side of the matrix."""

    title: str
    """"" for none."""
    names: list[str] | None
    """A name for each row or column of the matrix; None for their numbers."""
    count: int
    """How many rows or columns the matrix has; fewer are drawn if it is a large one."""

    def name(self, number: int) -> str:
        """Return what stands at a row or column."""
        return str(number) if self.names is None else self.names[number]


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a HEATMAP record."""
    matrix_field, row_names, column_names, annotated, titles_field = fields_of(record, 5)
    matrix = numpy_of(matrix_field, "the matrix of a heat map")
    if matrix.ndim != 2 or not matrix.size:
        raise RecordError(f"a heat map's matrix has rows and columns, not the shape {matrix.shape}")
    if matrix.dtype.kind == "c":
        raise RecordError(f"a heat map's matrix has real numbers, not {matrix.dtype.name}")
    if type(annotated) is not bool:
        raise RecordError(f"annotated must be a bool, not {type(annotated).__name__}")
    titles = texts_of(titles_field, "the names of a heat map's axes")
    if len(titles) != 2:
        raise RecordError(f"a heat map has 2 axes, not {len(titles)}")
    rows = Side(titles[0], _names(row_names, matrix.shape[0]), matrix.shape[0])
    columns = Side(titles[1], _names(column_names, matrix.shape[1]), matrix.shape[1])
    picture = draw(matrix, rows, columns, annotated)
    return [("", event_of(record, picture).SerializeToString())]


def _names(value: Any, count: int) -> list[str] | None:
    if value is None:
        return None
    names = texts_of(value, "the labels of a heat map")
    if len(names) != count:
        raise RecordError(f"{len(names)} labels for {count} rows or columns of a heat map")
    return names


def draw(matrix: NDArray, rows: Side, columns: Side, annotated: bool) -> NDArray:
    """Return the picture: uint8 of shape (height, width, 3), no side longer than SIDE.

    Args:
        matrix: real numbers, of shape (rows, columns), not empty.
        annotated: write the numbers into the cells, if they are large enough.
    """
    values = blocks.means(matrix, CELLS)
    whole = values.shape == matrix.shape
    texts = _texts(values) if annotated and whole and values.size <= CELLS * CELLS // 200 else None
    scale = axis.of(values, 5)
    cell_width, cell_height = _cell(values.shape, texts)
    width, height = values.shape[1] * cell_width, values.shape[0] * cell_height
    font = lettering.font_of(_FONT_PIXELS)
    line = lettering.height_of(font)

    # From the left: title of the rows, their labels, the matrix, the scale and its labels.
    row_marks = _marks(rows, values.shape[0], cell_height, line + 3)
    row_texts = {at: lettering.fitting(text, font, _LABEL_MOST) for at, text in row_marks.items()}
    left = _GAP + (line + _GAP if rows.title else 0) + _widest(row_texts, font) + 8
    scale_left = left + width + 2 * _GAP
    scale_texts = dict(zip(scale.ticks, scale.labels, strict=True))
    total_width = scale_left + _SCALE_WIDTH + 8 + _widest(scale_texts, font) + _GAP
    # From above: the matrix, the labels of the columns, their title.
    top = _GAP + line // 2
    column_marks, turned = _column_marks(columns, values.shape[1], cell_width, font)
    column_depth = _widest(column_marks, font) if turned else line
    bottom = top + height + 8 + column_depth
    total_height = bottom + _GAP + (line + _GAP if columns.title else 0)

    picture = Image.new("RGB", (total_width, total_height), WHITE)
    canvas = ImageDraw.Draw(picture)
    shown = colours.of_shares(scale.shares(values))
    cells = np.repeat(np.repeat(shown, cell_height, axis=0), cell_width, axis=1)
    picture.paste(Image.fromarray(cells), (left, top))
    for at, text in row_texts.items():
        lettering.write(canvas, (left - 6, top + at), text, font, INK, (1.0, 0.5))
    for at, text in column_marks.items():
        _write_below(picture, (left + at, top + height + 6), text, font, turned)
    if rows.title:
        _paste_middle(picture, rows.title, (_GAP + line / 2, top + height / 2), height, font)
    if columns.title:
        title = lettering.fitting(columns.title, font, max(width, _LABEL_MOST))
        place = (left + width / 2, bottom + _GAP / 2)
        lettering.write(canvas, place, title, font, INK, (0.5, 0.0))
    if texts is not None:
        _annotate(canvas, values, scale, texts, (left, top), (cell_width, cell_height))
    _draw_scale(picture, scale, (scale_left, top, height), font)
    return np.asarray(picture)


def _cell(shape: tuple[int, ...], texts: list[list[str]] | None) -> tuple[int, int]:
    """Return the width and height of a cell: a square, unless the matrix would be too thin."""
    rows, columns = shape
    wanted = max(_CELL, min(_CELL_MOST, _SMALL // max(shape)))
    if texts is not None:
        wanted = max(wanted, _width_of_numbers(texts, lettering.font_of(_FONT_PIXELS)) + 10)
    side = max(1, min(wanted, CELLS // rows, CELLS // columns))
    return max(side, -(-_THIN // columns)), max(side, -(-_THIN // rows))


def _marks(side: Side, drawn: int, cell: int, spacing: float) -> dict[float, str]:
    """Return what stands at which pixel along a side, at least ``spacing`` pixels apart.

    Args:
        drawn: rows or columns in the picture.
        cell: pixels of each.
    """
    pixels = drawn * cell / side.count
    every = 1
    if pixels < spacing:
        every = round(axis.round_step(spacing / pixels))
    return {(number + 0.5) * pixels: side.name(number) for number in range(0, side.count, every)}


def _column_marks(
    side: Side, drawn: int, cell: int, font: lettering.Font
) -> tuple[dict[float, str], bool]:
    """Return what stands at which pixel below the matrix, and whether it is turned upright."""
    upright = _marks(side, drawn, cell, lettering.height_of(font) + 3)
    texts = {at: lettering.fitting(text, font, _LABEL_MOST) for at, text in upright.items()}
    if side.names is not None:
        apart = drawn * cell / len(texts)
        return texts, len(texts) < side.count or _widest(texts, font) + 8 > apart
    widest = lettering.width_of(str(side.count), font)
    return _marks(side, drawn, cell, widest + 8), False


def _widest(texts: dict[float, str], font: lettering.Font) -> int:
    return max((lettering.width_of(text, font) for text in texts.values()), default=0)


def _texts(values: NDArray) -> list[list[str]]:
    """Return what is written into each cell: whole numbers in full, others with two decimals."""
    finite = values[np.isfinite(values)]
    largest = float(np.abs(finite).max()) if finite.size else 0.0
    if largest < 1e6 and np.array_equal(finite, np.round(finite)):
        form = ".0f"
    else:
        form = ".2f" if 0.1 <= largest < 1000 else ".2g"
    return [
        ["" if np.isnan(value) else format(value, form) for value in row] for row in values.tolist()
    ]


def _width_of_numbers(texts: list[list[str]], font: lettering.Font) -> int:
    """Return the width of the widest number; all digits are of about one width."""
    longest = sorted({text for row in texts for text in row}, key=len)[-16:]
    return max(lettering.width_of(text, font) for text in longest)


def _annotate(
    canvas: ImageDraw.ImageDraw,
    values: NDArray,
    scale: axis.Axis,
    texts: list[list[str]],
    corner: tuple[int, int],
    cell: tuple[int, int],
) -> None:
    """Write the numbers as large as the cells allow, or not at all."""
    for size in range(_FONT_PIXELS, _FONT_LEAST - 1, -1):
        font = lettering.font_of(size)
        fits = _width_of_numbers(texts, font) + 2 <= cell[0]
        if fits and lettering.height_of(font) + 2 <= cell[1]:
            break
    else:
        return
    light = scale.shares(values) > 0.55
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            place = corner[0] + (column + 0.5) * cell[0], corner[1] + (row + 0.5) * cell[1]
            colour = INK if light[row, column] else WHITE
            lettering.write(canvas, place, text, font, colour, (0.5, 0.5))


def _draw_scale(
    picture: Image.Image, scale: axis.Axis, place: tuple[int, int, int], font: lettering.Font
) -> None:
    """Draw the colours from the highest number down to the lowest, and the ticks beside them."""
    left, top, height = place
    column = colours.of_shares(np.linspace(1.0, 0.0, height)[:, np.newaxis])
    picture.paste(Image.fromarray(np.repeat(column, _SCALE_WIDTH, axis=1)), (left, top))
    canvas = ImageDraw.Draw(picture)
    free = top + height + _GAP
    for share, text in zip(scale.shares(np.array(scale.ticks)).tolist(), scale.labels, strict=True):
        row = top + round((1 - share) * (height - 1))
        if row <= free:
            place_of_text = left + _SCALE_WIDTH + 8, row
            canvas.line((left + _SCALE_WIDTH, row, left + _SCALE_WIDTH + 4, row), fill=INK)
            lettering.write(canvas, place_of_text, text, font, INK, (0.0, 0.5))
            free = row - lettering.height_of(font) - 2


def _write_below(
    picture: Image.Image, place: tuple[float, int], text: str, font: lettering.Font, turned: bool
) -> None:
    if turned:
        line = lettering.upright(text, font, INK)
        picture.paste(line, (round(place[0] - line.width / 2), place[1]), line)
    else:
        lettering.write(ImageDraw.Draw(picture), place, text, font, INK, (0.5, 0.0))


def _paste_middle(
    picture: Image.Image, text: str, place: tuple[float, float], room: int, font: lettering.Font
) -> None:
    """Write a line upright, with its middle at ``place``."""
    line = lettering.upright(lettering.fitting(text, font, max(room, _LABEL_MOST)), font, INK)
    corner = round(place[0] - line.width / 2), max(0, round(place[1] - line.height / 2))
    picture.paste(line, corner, line)
