from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tbxd.encode import gif
from tbxd.encode.arrays import NDArray

RANDOM = np.random.default_rng(2)


def shown(frames: list[NDArray], delay: int = 25) -> tuple[list[NDArray], list[int]]:
    """Return the frames and milliseconds that another program reads."""
    height, width, _ = frames[0].shape
    image = Image.open(io.BytesIO(gif.encode(iter(frames), height, width, delay)))
    assert image.size == (width, height)
    assert image.info["loop"] == 0
    found, durations = [], []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        found.append(np.asarray(image.convert("RGB")))
        durations.append(image.info["duration"])
    return found, durations


def test_frames_of_few_colours_come_back_exactly() -> None:
    frames = [RANDOM.integers(0, 256, (12, 20, 3), dtype=np.uint8) for _ in range(5)]
    found, durations = shown(frames)
    assert durations == [250] * 5
    for frame, back in zip(frames, found, strict=True):
        assert np.array_equal(back, frame)


def test_256_colours_that_are_near_to_each_other_come_back_exactly() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    frame = np.stack([levels, levels // 2, 255 - levels], axis=2)
    (found,), _ = shown([frame])
    assert np.array_equal(found, frame)


def test_grey_comes_back_exactly() -> None:
    frames = [RANDOM.integers(0, 256, (40, 40, 1), dtype=np.uint8) for _ in range(3)]
    found, _ = shown(frames)
    for frame, back in zip(frames, found, strict=True):
        assert np.array_equal(back, np.repeat(frame, 3, axis=2))


def test_what_stays_is_not_stored_again_and_what_goes_back_is() -> None:
    still = RANDOM.integers(0, 200, (64, 64, 1), dtype=np.uint8)
    moved = still.copy()
    moved[10:20, 30:50] = 255
    frames = [still, moved, still, still, moved]
    found, durations = shown(frames)
    assert durations == [250] * 5
    for frame, back in zip(frames, found, strict=True):
        assert np.array_equal(back, np.repeat(frame, 3, axis=2))
    once = len(gif.encode(iter(frames[:1]), 64, 64, 25))
    assert len(gif.encode(iter([still] * 50), 64, 64, 25)) < once + 50 * 900


def test_many_colours_are_near() -> None:
    rows, columns = np.mgrid[0:128, 0:128]
    frame = np.stack([rows * 2, columns * 2, rows + columns], axis=2).astype(np.uint8)
    (found,), _ = shown([frame])
    assert np.sqrt(np.mean((found.astype(float) - frame) ** 2)) < 6


@pytest.mark.parametrize(
    ("rate", "delay"),
    [
        (4, 25),
        (0.5, 200),
        (30, 3),
        (50, 2),
        (1000, 2),
        (1e300, 2),
        (1e-300, 65535),
        (5e-324, 65535),
    ],
)
def test_delays(rate: float, delay: int) -> None:
    assert gif.delay_of(rate) == delay
    frame = np.zeros((1, 1, 1), np.uint8)
    assert shown([frame, frame], delay)[1] == [delay * 10] * 2
