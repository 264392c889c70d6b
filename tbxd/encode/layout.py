"""Arrays of any layout into pictures and frames, and several of them into a grid."""

from __future__ import annotations

from typing import Any

import numpy as np

from tbxd_wire import layouts, limits
from tbxd_wire.errors import RecordError

from .arrays import NDArray, array_of, numpy_of
from .fields import text_of
from .pixels import bytes_of


def picture_of(value: Any, layout_field: Any) -> NDArray:
    """Return the picture of a record's fields: uint8 of shape (height, width, channels).

    Args:
        value: an array, or a list of arrays of one shape, which are pictures of a grid.
        layout_field: the layout of it, or of each one in the list.

    Raises:
        RecordError: no such array, a layout that does not fit, no pixels, not 1 to 4 channels.
    """
    layout = text_of(layout_field, "the layout of a picture")
    if type(value) is list:
        pictures = _listed(value, layout)
    else:
        pictures = arranged(value, layout, layouts.PICTURE)
    if not 1 <= pictures.shape[-1] <= limits.PICTURE_CHANNELS:
        raise RecordError(f"a picture has 1 to 4 channels, not {pictures.shape[-1]}")
    return grid(bytes_of(pictures), *layouts.picture_grid(len(pictures)))


def arranged(value: Any, layout: str, letters: str) -> NDArray:
    """Return an array with the dimensions in the order of ``letters``: a view of the record.

    A letter that the layout lacks becomes a dimension of extent 1.

    Raises:
        RecordError: no array, a layout that does not fit, an array without elements.
    """
    shape = array_of(value, "a picture").shape
    try:
        layouts.extents(layout, shape, letters)
    except ValueError as error:
        raise RecordError(str(error)) from None
    array = numpy_of(value, "a picture")
    if not array.size:
        raise RecordError(f"a picture has pixels, this one has the shape {shape}")
    missing = "".join(letter for letter in letters if letter not in layout)
    every = layout + missing
    whole = array.reshape(shape + (1,) * len(missing))
    return whole.transpose([every.index(letter) for letter in letters])


def grid(cells: NDArray, rows: int, columns: int) -> NDArray:
    """Return cells side by side, row by row; those that are not there are 0.

    Args:
        cells: of shape (..., count, height, width, channels), at most rows * columns of them.

    Returns:
        An array of shape (..., rows * height, columns * width, channels).
    """
    *outer, count, height, width, channels = cells.shape
    if count < rows * columns:
        padded = np.zeros((*outer, rows * columns, height, width, channels), cells.dtype)
        padded[..., :count, :, :, :] = cells
        cells = padded
    apart = cells.reshape(*outer, rows, columns, height, width, channels)
    # Rows of cells, rows of pixels, columns of cells, columns of pixels.
    whole = apart.swapaxes(-4, -3)
    return whole.reshape(*outer, rows * height, columns * width, channels)


def _listed(values: list[Any], layout: str) -> NDArray:
    """Return the pictures of a list as one array."""
    if not 1 <= len(values) <= limits.LISTED_PICTURES:
        raise RecordError(f"a list has 1 to {limits.LISTED_PICTURES} pictures, not {len(values)}")
    if "N" in layout:
        raise RecordError(f"the pictures of a list have no N, not the layout {layout!r:.40}")
    shape = array_of(values[0], "a picture of a list").shape
    for value in values:
        if array_of(value, "a picture of a list").shape != shape:
            raise RecordError(f"the pictures of a list have one shape, not {shape} and another")
    found = [arranged(value, layout, layouts.PICTURE)[0] for value in values]
    if len({picture.dtype for picture in found}) > 1:
        # What a value means depends on the dtype: each by its own.
        found = [bytes_of(picture) for picture in found]
    return np.stack(found)
