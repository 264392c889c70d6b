from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tbxd.encode.arrays import NDArray
from tbxd_client import arrays
from tbxd_wire import limits
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import events_of


def frames_of(video: Any, layout: Any = "NTCHW", rate: Any = 4.0) -> list[NDArray]:
    fields = (arrays.source(video), layout, rate)
    image = events_of(Kind.VIDEO, "tag", *fields)[""].summary.value[0].image
    animation = Image.open(io.BytesIO(image.encoded_image_string))
    assert animation.size == (image.width, image.height)
    found = []
    for number in range(getattr(animation, "n_frames", 1)):
        animation.seek(number)
        found.append(np.asarray(animation.convert("RGB")))
    return found


def test_whether_integers_are_a_mask_is_known_from_all_frames() -> None:
    video = np.zeros((1, 2, 1, 2, 2), np.int64)
    video[0, 0] = 1
    assert [frame.max() for frame in frames_of(video)] == [255, 0]
    video[0, 1] = 7
    assert [frame.max() for frame in frames_of(video)] == [1, 7]


def test_the_cells_of_a_grid() -> None:
    video = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1, 1) * 10
    ((first, second),) = (frame[..., 0].tolist() for frame in frames_of(video))
    assert first == [0, 10, 20, 30]
    assert second == [40, 0, 0, 0]


@pytest.mark.parametrize(
    ("shape", "layout", "rate", "message"),
    [
        ((1, 2, 2, 4, 4), "NTCHW", 4.0, "1, 3 or 4 channels, not 2"),
        ((1, 2, 5, 4, 4), "NTCHW", 4.0, "1, 3 or 4 channels, not 5"),
        ((2, 3, 4, 4), "TCHW", 4.0, "N, T, C, H and W"),
        ((2, 3, 4, 4), "NTCHW", 4.0, "is for 5 dimensions"),
        ((1, 0, 3, 4, 4), "NTCHW", 4.0, "has pixels"),
        ((0, 1, 3, 4, 4), "NTCHW", 4.0, "has pixels"),
        ((1, 1, 1, 1, 70_000), "NTCHW", 4.0, "at most 65535 pixels a side, not 1 x 70000"),
        ((4, 1, 1, 40_000, 1), "NTCHW", 4.0, "65535 pixels a side, not 80000 x 2"),
        ((1, limits.FRAMES + 1, 1, 1, 1), "NTCHW", 4.0, "at most 10000 frames, not 10001"),
        ((1, 1, 3, 4, 4), None, 4.0, "layout of a video must be a str"),
        ((1, 1, 3, 4, 4), "NTCHW", 4, "frames per second of a video must be a float64, not int"),
        ((1, 1, 3, 4, 4), "NTCHW", 0.0, "are above 0, not 0.0"),
        ((1, 1, 3, 4, 4), "NTCHW", float("nan"), "are above 0, not nan"),
        ((1, 1, 3, 4, 4), "NTCHW", float("inf"), "are above 0, not inf"),
    ],
)
def test_other_videos_are_refused(
    shape: tuple[int, ...], layout: Any, rate: Any, message: str
) -> None:
    with pytest.raises(RecordError, match=message):
        frames_of(np.zeros(shape, np.uint8), layout, rate)


def test_the_most_frames_there_may_be() -> None:
    video = np.zeros((1, limits.FRAMES, 1, 1, 1), np.uint8)
    video[0, ::2] = 1
    fields = (arrays.source(video), "NTCHW", 4.0)
    image = events_of(Kind.VIDEO, "tag", *fields)[""].summary.value[0].image
    assert getattr(Image.open(io.BytesIO(image.encoded_image_string)), "n_frames", 1) == 10_000


def test_no_array() -> None:
    with pytest.raises(RecordError, match="must be an array, not list"):
        events_of(Kind.VIDEO, "tag", [], "NTCHW", 4.0)
