"""Sprites: every picture where the projector looks for it, with the colours it was given."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tbxd.encode import sprite
from tbxd_wire.arrays import Array
from tbxd_wire.errors import RecordError

NDArray = np.ndarray[Any, np.dtype[Any]]


def array(values: NDArray) -> Array:
    return Array(values.dtype.name, values.shape, memoryview(values.tobytes()))


def decoded(values: NDArray) -> NDArray:
    """Return the sprite of pictures with its dimension of channels."""
    image = np.asarray(Image.open(io.BytesIO(sprite.png(array(values)))))
    return image.reshape(*image.shape[:2], -1)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9, 10])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(4, 4), (2, 7), (7, 2)])
def test_every_picture_is_where_it_is_looked_for(
    count: int, channels: int, size: tuple[int, int]
) -> None:
    height, width = size
    pictures = np.random.default_rng(count).integers(1, 256, (count, channels, *size), np.uint8)
    found = decoded(pictures)
    assert found.shape[2] == channels
    # In the projector's shader: the column is the rest of the number of columns, the row the
    # quotient of the number of rows.
    columns, rows = found.shape[1] / width, found.shape[0] / height
    assert columns == rows
    total = 0
    for number, picture in enumerate(pictures):
        x, y = int(number % columns) * width, int(number // rows) * height
        assert (found[y : y + height, x : x + width] == picture.transpose(1, 2, 0)).all()
        total += int(picture.sum())
    assert int(found.sum()) == total


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        (0.5, "float32", 127),
        (1.0, "float64", 255),
        (-0.1, "float32", 0),
        (1.5, "float16", 255),
        (float("inf"), "float64", 255),
        (float("-inf"), "float64", 0),
        (float("nan"), "float32", 0),
        (1e308, "float64", 255),
        (True, "bool", 255),
        (1, "int64", 255),
        (-(1 << 63), "int64", 0),
        (1, "uint8", 1),
        (255, "uint8", 255),
        (1, "uint16", 255),
    ],
)
def test_values_become_bytes(value: Any, dtype: str, expected: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decoded(np.full((1, 1, 1, 1), value, dtype)).item() == expected


def test_bfloat16() -> None:
    half = Array("bfloat16", (1, 1, 1, 1), memoryview(b"\x00\x3f"))
    assert np.asarray(Image.open(io.BytesIO(sprite.png(half)))).item() == 127


@pytest.mark.parametrize(
    ("shape", "points", "dtype"),
    [
        ((3, 3, 4, 4), 4, "uint8"),
        ((4, 2, 4, 4), 4, "uint8"),
        ((4, 5, 4, 4), 4, "uint8"),
        ((4, 3, 4), 4, "uint8"),
        ((4, 3, 4, 4, 1), 4, "uint8"),
        ((4, 3, 0, 4), 4, "uint8"),
        ((4, 3, 4, 0), 4, "uint8"),
        ((1, 1, 8193, 1), 1, "uint8"),
        ((2, 1, 1, 4097), 2, "uint8"),
        ((1, 1, 1, 1), 1, "complex64"),
    ],
)
def test_what_is_no_sprite_is_refused(shape: tuple[int, ...], points: int, dtype: str) -> None:
    with pytest.raises(RecordError):
        sprite.check(Array(dtype, shape, memoryview(b"")), points)


def test_the_largest_sprite_is_accepted() -> None:
    sprite.check(Array("uint8", (1, 1, 8192, 1), memoryview(b"")), 1)
