"""Pictures, videos and plots in a real TensorBoard."""

from __future__ import annotations

import io
import urllib.parse
from typing import Any

import numpy as np
import PIL.Image
import pytest

from tests.board import Board

from .training import FLOATS, FRAMES, PICTURE

Array = np.ndarray[Any, np.dtype[Any]]

TAGS = ("picture", "grey", "pictures", "boxes", "figure", "video", "curve", "confusion", "heat")


def shown(board: Board, tag: str, step: int = 1) -> PIL.Image.Image:
    """Return the picture of a step, as the page has it drawn."""
    entries = board.get("plugin/images/images", run="pictures", tag=tag, sample="0")
    (query,) = [each["query"] for each in entries if each["step"] == step]
    content = board.read("plugin/images/individualImage", **dict(urllib.parse.parse_qsl(query)))
    assert content is not None
    return PIL.Image.open(io.BytesIO(content))


def pixels(picture: PIL.Image.Image) -> Array:
    """Return (H, W, 3)."""
    return np.asarray(picture.convert("RGB"))


def test_every_picture_is_there(board: Board) -> None:
    tags = board.get("plugin/images/tags")["pictures"]
    # What ``add_images`` logs is one picture, too.
    assert {tag: each["samples"] for tag, each in tags.items()} == dict.fromkeys(TAGS, 1)


@pytest.mark.parametrize("step", [1, 2])
def test_a_picture(board: Board, step: int) -> None:
    found = shown(board, "picture", step)
    assert found.format == "PNG"
    np.testing.assert_array_equal(pixels(found), PICTURE.transpose(1, 2, 0) // step)


def test_a_grey_picture_of_floats(board: Board) -> None:
    found = pixels(shown(board, "grey"))
    for channel in range(3):
        np.testing.assert_allclose(found[:, :, channel], FLOATS * 255, atol=1)


def test_several_pictures_side_by_side(board: Board) -> None:
    found = pixels(shown(board, "pictures"))
    np.testing.assert_array_equal(found, np.concatenate([PICTURE.transpose(1, 2, 0)] * 3, axis=1))


def test_boxes(board: Board) -> None:
    found = pixels(shown(board, "boxes"))
    # From (2, 1) to (9, 5), drawn two pixels wide.
    expected = np.zeros((8, 12), bool)
    expected[:7, 2:10] = True
    expected[2:5, 4:8] = False
    np.testing.assert_array_equal(found.any(axis=2), expected)


def test_a_figure(board: Board) -> None:
    found = pixels(shown(board, "figure"))
    assert found.shape == (50, 100, 3)
    assert (found == [255, 0, 0]).all()


def test_a_video_moves(board: Board) -> None:
    found = shown(board, "video")
    assert found.format == "GIF"
    for number, frame in enumerate(FRAMES[0]):
        found.seek(number)
        assert found.info["duration"] == 100
        np.testing.assert_array_equal(pixels(found), frame.transpose(1, 2, 0))
    with pytest.raises(EOFError):
        found.seek(len(FRAMES[0]))


@pytest.mark.parametrize("tag", ["curve", "confusion", "heat"])
def test_a_plot_is_drawn(board: Board, tag: str) -> None:
    found = pixels(shown(board, tag))
    assert min(found.shape[:2]) > 100
    assert len(np.unique(found.reshape(-1, 3), axis=0)) > 10
