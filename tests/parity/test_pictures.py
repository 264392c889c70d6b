"""Pictures: what both peers write for the same calls, and where ours is meant to differ."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import tensorboardX.summary
import torch
import torch.utils.tensorboard.summary
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from tbxd_client import SummaryWriter, arrays
from tbxd_wire.kinds import Kind
from tests.client.leftovers import Logged
from tests.tbxd.encode.making import events_of

from .images import PEERS, Call, Picture, Pixels, ours, pictures_of, theirs

RANDOM = np.random.default_rng(7)
WALL_TIME = 1_700_000_000.25


def noise(*shape: int) -> Pixels:
    return RANDOM.integers(0, 256, shape, dtype=np.uint8)


RGB = noise(3, 7, 5)
SHARES = RANDOM.random((3, 7, 5))
BEYOND = SHARES * 4 - 1.5
BOXES = np.array([[3, 4, 20, 15], [0, 0, 39, 29], [30.5, 20.4, 10.2, 5.1], [-5, -9, 80, 70]])


def image(value: Any, layout: str = "CHW") -> Call:
    return lambda w: w.add_image("tag", value, 3, WALL_TIME, dataformats=layout)


def images(value: Any, layout: str = "NCHW") -> Call:
    return lambda w: w.add_images("tag", value, 3, WALL_TIME, dataformats=layout)


def boxes(value: Any, *arguments: Any, **options: Any) -> Call:
    return lambda w: w.add_image_with_boxes("tag", value, *arguments, walltime=WALL_TIME, **options)


CALLS: dict[str, Call] = {
    "uint8": image(RGB),
    "no step": lambda w: w.add_image("tag", RGB, walltime=WALL_TIME),
    "tensor": image(torch.from_numpy(RGB)),
    "reversed": image(RGB[:, ::-1, ::-1]),
    "float32": image(SHARES.astype(np.float32)),
    "float64": image(SHARES),
    "float16": image(SHARES.astype(np.float16)),
    "bfloat16": image(torch.from_numpy(SHARES).bfloat16()),
    "parameter": image(torch.nn.Parameter(torch.from_numpy(SHARES))),
    "bool": image(RGB > 127),
    "mask of int64": image((RGB > 127).astype(np.int64)),
    "beyond 0..1": image(BEYOND),
    "NaN": image(np.where(SHARES > 0.5, np.nan, SHARES)),
    "infinite": image(np.where(SHARES > 0.5, np.inf, SHARES)),
    "int64": image(RGB.astype(np.int64)),
    "int64 beyond 0..255": image(RGB.astype(np.int64) * 3 - 100),
    "int8": image(RGB.astype(np.int8)),
    "uint16": image(RGB.astype(np.uint16) * 257),
    "one channel": image(noise(1, 4, 6)),
    "two channels": image(noise(2, 4, 6)),
    "four channels": image(noise(4, 4, 6)),
    "lower case": image(noise(4, 6, 3), "hwc"),
    **{
        f"layout {layout}": image(
            noise(*[{"C": 3, "H": 7, "W": 5}[each] for each in layout]), layout
        )
        for layout in ["HW", "WH", *map("".join, itertools.permutations("CHW"))]
    },
    **{
        f"layout {layout}": images(
            noise(*[{"N": 11, "C": 3, "H": 2, "W": 5}[each] for each in layout]), layout
        )
        for layout in map("".join, itertools.permutations("NCHW"))
    },
    **{f"grid of {count}": images(noise(count, 3, 2, 3)) for count in (1, 2, 7, 8, 9, 16, 17)},
    "grid of grey": images(noise(3, 1, 4, 6)),
    "grid with alpha": images(noise(3, 2, 4, 6)),
    "grid of four channels": images(noise(3, 4, 4, 6)),
    "grid of floats": images(RANDOM.random((3, 3, 4, 6)).astype(np.float32)),
    "NHW": images(noise(3, 4, 6), "NHW"),
    "list": images([RGB, RGB[:, ::-1], RGB], "CHW"),
    "list of tensors": images([torch.from_numpy(RGB)] * 2, "CHW"),
    "list of HWC": images([noise(4, 6, 3) for _ in range(9)], "HWC"),
    "list of default layout": images([RGB, RGB]),
    "no boxes": boxes(noise(3, 30, 40), np.zeros((0, 4))),
    "boxes": boxes(noise(3, 30, 40), BOXES),
    "boxes of tensors": boxes(torch.from_numpy(noise(3, 30, 40)), torch.from_numpy(BOXES)),
    "boxes of integers": boxes(noise(3, 30, 40), BOXES.astype(np.int64)),
    "boxes with scores": boxes(noise(3, 30, 40), np.concatenate([BOXES, BOXES[:, :1]], axis=1)),
    "boxes over a grid": boxes(noise(4, 3, 15, 20), BOXES, dataformats="NCHW"),
    "boxes in grey": boxes(noise(30, 40), BOXES, dataformats="HW"),
    "boxes in RGBA": boxes(noise(30, 40, 4), BOXES, dataformats="HWC"),
    "boxes in floats": boxes(RANDOM.random((3, 30, 40)), BOXES),
    "boxes of NaN": boxes(noise(3, 30, 40), np.full((2, 4), np.nan)),
    "boxes made larger": boxes(noise(3, 30, 40), BOXES, rescale=2.5),
    "boxes made smaller": boxes(noise(3, 30, 40), BOXES, rescale=0.5),
    "wrong number of labels": boxes(noise(3, 30, 40), BOXES, labels=["one"]),
}

WRAPS = "tensorboardX casts without clipping, so that 1.01 is black"
INTEGERS = "times 255 is 255 for all but 0 (torch) or what is left of it by 256 (tensorboardX)"
SIXTEEN = INTEGERS + "; the upper 8 bits show the picture"
HALF = "tensorboardX multiplies in float16, which is wrong by up to one level"
REFUSED = "refused there, shown here"
UPSCALED = "the size of the file, where both state the size before it was made larger or smaller"

DIFFERENCES: dict[tuple[str, str], str] = {
    ("tensorboardX", "beyond 0..1"): WRAPS,
    ("tensorboardX", "infinite"): WRAPS,
    ("tensorboardX", "float16"): HALF,
    ("tensorboardX", "bfloat16"): REFUSED,
    ("tensorboardX", "int64"): INTEGERS,
    ("torch", "int64"): INTEGERS,
    ("tensorboardX", "int64 beyond 0..255"): INTEGERS,
    ("torch", "int64 beyond 0..255"): INTEGERS,
    ("tensorboardX", "int8"): INTEGERS,
    ("torch", "int8"): INTEGERS,
    ("tensorboardX", "uint16"): SIXTEEN,
    ("torch", "uint16"): SIXTEEN,
    ("tensorboardX", "grid with alpha"): REFUSED,
    ("torch", "grid with alpha"): REFUSED,
    ("torch", "grid of four channels"): REFUSED,
    ("tensorboardX", "NHW"): REFUSED,
    ("torch", "NHW"): REFUSED,
    ("torch", "list"): REFUSED,
    ("torch", "list of tensors"): REFUSED,
    ("torch", "list of HWC"): REFUSED,
    ("torch", "list of default layout"): REFUSED,
    ("tensorboardX", "list of default layout"): REFUSED + " (it prints that nothing is written)",
    ("tensorboardX", "boxes made larger"): UPSCALED,
    ("torch", "boxes made larger"): UPSCALED,
    ("tensorboardX", "boxes made smaller"): UPSCALED,
    ("torch", "boxes made smaller"): UPSCALED,
}
"""Where ours is not theirs, and why. Everywhere: grey is stored as one channel, not as three equal
ones, which is a third of the bytes and the same picture."""

EXPECTED: dict[str, Pixels] = {
    "beyond 0..1": (BEYOND.clip(0, 1).astype(np.float32) * 255).astype(np.uint8),
    "infinite": np.where(SHARES > 0.5, 255, SHARES.astype(np.float32) * 255).astype(np.uint8),
    "int64": RGB,
    "int64 beyond 0..255": (RGB.astype(np.int64) * 3 - 100).clip(0, 255).astype(np.uint8),
    "int8": RGB.astype(np.int8).clip(0).astype(np.uint8),
    "uint16": RGB,
}
"""What is right where a peer is not: of shape (3, height, width)."""


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("peer", PEERS)
def test_a_picture_is_theirs_or_the_difference_has_a_reason(
    peer: str, name: str, writer: SummaryWriter, logged: Logged, tmp_path: Path
) -> None:
    CALLS[name](writer)
    (mine,) = ours(logged())
    found = theirs(peer, tmp_path / "peer", CALLS[name])
    reason = DIFFERENCES.get((peer, name))
    if reason is None:
        assert isinstance(found, list), found
        (other,) = found
        assert facts(mine) == facts(other)
        assert np.array_equal(mine.rgba, other.rgba)
    elif reason.startswith(REFUSED):
        assert found == [] or isinstance(found, Exception)
    elif reason is UPSCALED:
        assert isinstance(found, list)
        assert np.array_equal(mine.rgba, found[0].rgba)
        assert (found[0].height, found[0].width) == (30, 40)
    else:
        assert isinstance(found, list)
        assert not np.array_equal(mine.rgb, found[0].rgb), "no difference any more"
    if name in EXPECTED:
        assert np.array_equal(mine.rgb, EXPECTED[name].transpose(1, 2, 0))
    assert (mine.width, mine.height) == mine.image.size
    assert mine.colorspace == len(mine.image.getbands())


def facts(picture: Picture) -> tuple[Any, ...]:
    """Return what must be the same of two pictures beside their pixels."""
    return picture.tag, picture.step, picture.wall_time, picture.height, picture.width


def test_grey_is_one_channel(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_image("tag", noise(4, 6), dataformats="HW")
    writer.add_images("tag", noise(2, 1, 4, 6))
    assert [picture.colorspace for picture in ours(logged())] == [1, 1]


@given(st.data())
def test_any_picture_is_both_peers(data: st.DataObject) -> None:
    """Of values in which they agree, and through their functions, which write no files."""
    letters = data.draw(st.sampled_from(["HW", "CHW", "NCHW"]))
    layout = "".join(data.draw(st.permutations(letters)))
    extents = {"N": st.integers(1, 20), "C": st.sampled_from([1, 3]), "H": st.integers(1, 9)}
    shape = [data.draw(extents.get(letter, st.integers(1, 9))) for letter in layout]
    kind = data.draw(st.sampled_from(["uint8", "bool", "float32", "mask"]))
    value = np.random.default_rng(data.draw(st.integers(0, 1000))).integers(0, 256, shape)
    values: dict[str, Pixels] = {
        "uint8": value.astype(np.uint8),
        "bool": value > 127,
        "float32": (value / 255).astype(np.float32),
        "mask": (value > 127).astype(np.int32),
    }
    event = events_of(Kind.IMAGE, "tag", arrays.source(values[kind]), layout)[""]
    (mine,) = pictures_of([event])
    for module in (tensorboardX.summary, torch.utils.tensorboard.summary):
        summary = module.image("tag", values[kind], dataformats=layout)
        event.summary.ParseFromString(summary.SerializeToString())
        (other,) = pictures_of([event])
        assert facts(mine) == facts(other)
        assert np.array_equal(mine.rgb, other.rgb)


@pytest.mark.parametrize("peer", PEERS)
def test_labels_are_where_theirs_are(
    peer: str, writer: SummaryWriter, logged: Logged, tmp_path: Path
) -> None:
    """The letters differ by a pixel; outside of the labels nothing does."""
    box = np.array([[10, 5, 100, 50]])
    call = boxes(np.zeros((3, 60, 120), np.uint8), box, labels=["cat"])
    call(writer)
    (mine,) = ours(logged())
    found = theirs(peer, tmp_path / "peer", call)
    assert isinstance(found, list)
    differs = np.argwhere((mine.rgb != found[0].rgb).any(axis=2))
    assert ((differs >= (30, 8)) & (differs <= (52, 40))).all()
    inside = mine.rgb[36:49, 12:24]
    assert (inside == (255, 0, 0)).all(axis=2).any()
    assert (inside == 0).all(axis=2).any()


# -- figures


def figure(size: tuple[float, float] = (3.2, 2.4), dpi: float = 50) -> Figure:
    drawn = Figure(figsize=size, dpi=dpi)
    axes = drawn.subplots()
    axes.plot([0, 1, 2], [3, 1, 2])
    axes.set_title("title")
    return drawn


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_figure_is_theirs(
    peer: str, count: int, writer: SummaryWriter, logged: Logged, tmp_path: Path
) -> None:
    drawn = [figure() for _ in range(count)] if count else figure()

    def call(any_writer: Any) -> None:
        any_writer.add_figure("tag", drawn, 3, close=False, walltime=WALL_TIME)

    backend = matplotlib.rcParams["backend"]
    call(writer)
    assert matplotlib.rcParams["backend"] == backend
    (mine,) = ours(logged())
    found = theirs(peer, tmp_path / "peer", call)
    assert isinstance(found, list)
    assert facts(mine) == facts(found[0])
    assert np.array_equal(mine.rgba, found[0].rgba)
    assert len(np.unique(mine.rgb)) > 10
