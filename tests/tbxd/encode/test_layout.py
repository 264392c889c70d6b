from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tbxd.encode.layout import arranged, grid, picture_of
from tbxd_client import arrays
from tbxd_wire import layouts, limits
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import record_of

RANDOM = np.random.default_rng(5)


def array(value: Any) -> Any:
    """Return an array as it comes out of a record."""
    return record_of(Kind.IMAGE, "tag", arrays.source(value), "HW")[4]


def listed(*values: Any) -> Any:
    return record_of(Kind.IMAGE, "tag", [arrays.source(value) for value in values], "HW")[4]


def test_a_picture_is_brought_into_order() -> None:
    picture = RANDOM.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    for order, layout in [((0, 1, 2), "HWC"), ((2, 0, 1), "CHW"), ((1, 2, 0), "WCH")]:
        assert np.array_equal(picture_of(array(picture.transpose(order)), layout), picture)


def test_missing_dimensions_are_of_one() -> None:
    assert arranged(array(np.zeros((4, 5))), "HW", layouts.PICTURE).shape == (1, 4, 5, 1)
    assert picture_of(array(np.zeros((4, 5))), "HW").shape == (4, 5, 1)


def test_a_grid() -> None:
    cells = np.arange(1, 6).reshape(5, 1, 1, 1)
    assert grid(cells, 2, 3)[..., 0].tolist() == [[1, 2, 3], [4, 5, 0]]
    wide = np.arange(1, 9).reshape(2, 2, 2, 1)
    assert grid(wide, 1, 2)[..., 0].tolist() == [[1, 2, 5, 6], [3, 4, 7, 8]]
    assert grid(wide, 2, 1)[..., 0].tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]


def test_nine_pictures_are_two_rows() -> None:
    pictures = RANDOM.integers(0, 256, (9, 3, 4, 5), dtype=np.uint8)
    whole = picture_of(array(pictures), "NCHW")
    assert whole.shape == (8, 40, 3)
    assert np.array_equal(whole[4:, :5], pictures[8].transpose(1, 2, 0))
    assert not whole[4:, 5:].any()


def test_a_list_is_a_grid_and_each_dtype_means_what_it_means() -> None:
    level = np.full((2, 2), 128, np.uint8)
    share = np.full((2, 2), 0.5, np.float32)
    whole = picture_of(listed(level, share, level > 0), "HW")
    assert whole[0, :, 0].tolist() == [128, 128, 127, 127, 255, 255]


def test_a_list_of_one_dtype_is_scaled_as_a_whole() -> None:
    """Of two pictures of integers, none is a mask if the other is not."""
    whole = picture_of(listed(np.array([[0, 1]]), np.array([[7, 200]])), "HW")
    assert whole[0, :, 0].tolist() == [0, 1, 7, 200]


def test_bfloat16() -> None:
    picture = np.array([[0.0, 0.5, 1.0]], ml_dtypes.bfloat16)
    assert picture_of(array(picture), "HW")[0, :, 0].tolist() == [0, 127, 255]


@pytest.mark.parametrize(
    ("value", "layout", "message"),
    [
        ([[1, 2]], "HW", "a picture of a list must be an array, not list"),
        (None, "HW", "a picture must be an array, not NoneType"),
        (np.zeros((2, 2)), None, "layout of a picture must be a str, not NoneType"),
        (np.zeros((2, 2)), "HX", "a layout has the letters"),
        (np.zeros((2, 2)), "CHW", "is for 3 dimensions"),
        (np.zeros((0, 2)), "HW", "has pixels"),
        (np.zeros((5, 2, 2)), "CHW", "1 to 4 channels, not 5"),
        (np.zeros((2, 2), complex), "HW", "real numbers, not complex128"),
    ],
)
def test_other_pictures_are_refused(value: Any, layout: Any, message: str) -> None:
    field = array(value) if isinstance(value, np.ndarray) else value
    with pytest.raises(RecordError, match=message):
        picture_of(field, layout)


def test_other_lists_are_refused() -> None:
    picture = np.zeros((2, 2))
    with pytest.raises(RecordError, match="1 to 4096 pictures, not 0"):
        picture_of([], "HW")
    with pytest.raises(RecordError, match="1 to 4096 pictures, not 4097"):
        picture_of([array(picture)] * (limits.LISTED_PICTURES + 1), "HW")
    with pytest.raises(RecordError, match="one shape"):
        picture_of(listed(picture, picture[:1]), "HW")
    with pytest.raises(RecordError, match="no N"):
        picture_of(listed(np.zeros((2, 2, 2))), "NHW")
    with pytest.raises(RecordError, match="a list must be an array, not str"):
        picture_of([array(picture), "x"], "HW")
