"""Videos: tensorboardX's frames beside ours. torch cannot write one with moviepy 2."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tbxd_client import SummaryWriter
from tests.client.leftovers import Logged

from .images import Call, Picture, Pixels, ours, theirs

RANDOM = np.random.default_rng(3)
WALL_TIME = 1_700_000_000.25


def video(value: Any, **options: Any) -> Call:
    return lambda w: w.add_video("tag", value, 3, walltime=WALL_TIME, **options)


def few_colours(*shape: int) -> Pixels:
    """Return uint8 whose frames have few colours, so that no palette loses any."""
    return (RANDOM.integers(0, 2, shape) * 255).astype(np.uint8)


def smooth(videos: int, frames: int, side: int) -> Pixels:
    """Return uint8 with more colours than a palette holds: a moving gradient, with noise."""
    time = np.arange(frames)[:, None, None] * 10
    rows, columns = np.mgrid[0:side, 0:side]
    one = np.stack([rows * 2 + time, columns * 2 + time, (rows + columns + time)], axis=1)
    noisy = one + RANDOM.normal(0, 4, (videos, *one.shape))
    return noisy.clip(0, 255).astype(np.uint8)


SMOOTH = smooth(1, 4, 64)

EXACT: dict[str, Call] = {
    "uint8": video(few_colours(1, 4, 3, 8, 9)),
    "bool": video(few_colours(1, 4, 3, 8, 9) > 0),
    "float32": video(few_colours(1, 4, 3, 8, 9).astype(np.float32) / 255),
    "float64": video(few_colours(1, 4, 3, 8, 9) / 255),
    "mask": video((few_colours(1, 4, 3, 8, 9) > 0).astype(np.int64)),
    "tensor": video(torch.from_numpy(few_colours(1, 4, 3, 8, 9))),
    "grey": video(RANDOM.integers(0, 256, (1, 4, 1, 8, 9), dtype=np.uint8)),
    "one frame": video(few_colours(1, 1, 3, 8, 9)),
    "four channels": video(few_colours(1, 4, 4, 8, 9)),
    "10 frames per second": video(few_colours(1, 4, 3, 8, 9), fps=10),
    "half a frame per second": video(few_colours(1, 4, 3, 8, 9), fps=0.5),
    **{f"grid of {count}": video(few_colours(count, 3, 3, 4, 5)) for count in range(1, 10)},
    **{
        f"layout {''.join(layout)}": video(
            few_colours(*[{"N": 3, "T": 2, "C": 3, "H": 4, "W": 5}[each] for each in layout]),
            dataformats="".join(layout),
        )
        for layout in list(itertools.permutations("NTCHW"))[::17]
    },
}


def compared(
    call: Call, writer: SummaryWriter, logged: Logged, directory: Path
) -> tuple[Picture, Picture]:
    """Return ours and tensorboardX's of one call."""
    call(writer)
    (mine,) = ours(logged())
    found = theirs("tensorboardX", directory, call)
    assert isinstance(found, list), found
    (other,) = found
    assert (mine.tag, mine.step, mine.wall_time) == (other.tag, other.step, other.wall_time)
    assert (mine.height, mine.width) == (other.height, other.width)
    assert mine.image.size == (mine.width, mine.height)
    return mine, other


@pytest.mark.parametrize("name", EXACT)
def test_frames_are_theirs(
    name: str, writer: SummaryWriter, logged: Logged, tmp_path: Path
) -> None:
    mine, other = compared(EXACT[name], writer, logged, tmp_path / "peer")
    # A GIF's colours have no alpha: theirs says 4 of a file of 3.
    assert mine.colorspace == min(other.colorspace, 3)
    assert len(mine.frames) == len(other.frames)
    for ours_, theirs_ in zip(mine.frames, other.frames, strict=True):
        assert np.array_equal(ours_, theirs_)
    if len(other.frames) > 1:
        assert mine.durations_ms == other.durations_ms
        assert mine.image.info["loop"] == other.image.info["loop"] == 0


@pytest.mark.parametrize("value", [SMOOTH, (SMOOTH / 255).astype(np.float32), smooth(3, 3, 40)])
def test_a_palette_costs_hardly_more_than_theirs(
    value: Pixels, writer: SummaryWriter, logged: Logged, tmp_path: Path
) -> None:
    mine, other = compared(video(value), writer, logged, tmp_path / "peer")
    assert len(mine.frames) == len(other.frames)
    levels = value if value.dtype == np.uint8 else (value * 255).astype(np.uint8)
    # Three videos are beside each other, and then a black one.
    cells = np.concatenate([levels, np.zeros_like(levels[:1])]) if len(levels) == 3 else levels
    for number in range(value.shape[1]):
        whole = np.concatenate(list(cells[:, number].transpose(0, 2, 3, 1)), axis=1)
        errors = [error(each.frames[number], whole) for each in (mine, other)]
        assert errors[0] < 10, errors
        assert errors[0] <= errors[1] * 1.3 + 0.5, errors


def error(shown: Pixels, meant: Pixels) -> float:
    """Return the root of the mean square of what differs, in levels."""
    assert shown.shape == meant.shape
    return float(np.sqrt(np.mean((shown.astype(np.float64) - meant) ** 2)))


def test_values_beyond_their_range_are_clipped_not_wrapped(
    writer: SummaryWriter, logged: Logged, tmp_path: Path
) -> None:
    value = np.full((1, 2, 3, 4, 4), 1.5, np.float32)
    value[0, 1] = -0.5
    mine, other = compared(video(value), writer, logged, tmp_path / "peer")
    assert [int(frame[0, 0, 0]) for frame in mine.frames] == [255, 0]
    assert [int(frame[0, 0, 0]) for frame in other.frames] != [255, 0], "no difference any more"


def test_frames_that_repeat_are_frames(
    writer: SummaryWriter, logged: Logged, tmp_path: Path
) -> None:
    """Theirs become one that is shown for longer."""
    value = few_colours(1, 4, 3, 8, 9)
    value[0, 2] = value[0, 1]
    mine, other = compared(video(value), writer, logged, tmp_path / "peer")
    assert len(mine.frames) == 4
    assert mine.durations_ms == [250] * 4
    assert other.durations_ms == [250, 500, 250]
    assert sum(mine.durations_ms) == sum(other.durations_ms)


def test_torch_writes_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Why there is nothing to compare with: it cannot use moviepy 2."""
    found = theirs("torch", tmp_path, EXACT["uint8"])
    assert found == [] or isinstance(found, Exception)
    capsys.readouterr()
