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

from .making import Anything, events_of

RED = (255, 0, 0)
BLACK = np.zeros((3, 30, 40), np.uint8)


def fields(
    picture: NDArray = BLACK,
    boxes: Any = ((5, 6, 30, 20),),
    labels: Any = None,
    factor: Any = 1.0,
    layout: Any = "CHW",
) -> tuple[object, ...]:
    found = arrays.source(np.array(boxes, np.float64)) if isinstance(boxes, tuple) else boxes
    return arrays.source(picture), layout, found, labels, factor


def drawn(**options: Any) -> NDArray:
    image = events_of(Kind.IMAGE_BOXES, "tag", *fields(**options))[""].summary.value[0].image
    pixels = np.asarray(Image.open(io.BytesIO(image.encoded_image_string)))
    assert pixels.shape == (image.height, image.width, image.colorspace)
    return pixels


def test_a_box_is_around_its_pixels() -> None:
    red = (drawn() == RED).all(axis=2)
    assert red[6, 5:30].all()
    assert red[20, 5:30].all()
    assert red[6:20, 5].all()
    assert red[6:20, 30].all()
    assert not red[9:18, 9:27].any()
    assert not red[:4].any()


def test_grey_becomes_red_all_the_same() -> None:
    assert drawn(picture=np.zeros((1, 30, 40), np.uint8)).shape == (30, 40, 3)
    assert drawn(picture=np.zeros((2, 30, 40), np.uint8)).shape == (30, 40, 4)
    assert (drawn(picture=np.zeros((1, 30, 40), np.uint8)) == drawn()).all()


def test_the_picture_stated_is_the_one_in_the_file() -> None:
    assert drawn(factor=2.5).shape == (75, 100, 3)
    assert drawn(factor=0.5).shape == (15, 20, 3)


def test_labels_are_written_at_the_lower_left() -> None:
    without, within = drawn(), drawn(labels=["cat"])
    differs = np.argwhere((without != within).any(axis=2))
    assert len(differs) > 20
    assert (differs >= (6, 5)).all()
    assert (differs <= (20, 30)).all()
    assert (drawn(labels=[""]) == without).all()


@pytest.mark.parametrize("label", ["日本語", "\0\n\x1b", "é" * 5000, "😀", "\u202eabc", " "])
def test_any_label_can_be_drawn(label: str) -> None:
    assert drawn(labels=[label]).shape == (30, 40, 3)


@pytest.mark.parametrize(
    "box", [(np.nan, 1, 2, 3), (1, 1, 1, np.nan), (1e300, 1e300, 1e301, 1e301), (-9e9, -9, -8, -8)]
)
def test_boxes_that_are_nowhere_are_not_seen(box: tuple[float, ...]) -> None:
    assert not drawn(boxes=(box,)).any()
    assert not drawn(boxes=(box,), labels=["cat"]).any()


def test_a_box_around_everything_is_not_seen_and_one_from_corner_to_corner_is() -> None:
    assert not drawn(boxes=((-np.inf, -1e300, np.inf, 1e300),)).any()
    assert drawn(boxes=((0, 0, 39, 29),))[0].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"boxes": None}, "boxes of a picture must be an array, not NoneType"),
        ({"boxes": ((1.0, 2.0, 3.0),)}, r"have the shape \(n, 4\), not \(1, 3\)"),
        ({"boxes": (1.0, 2.0, 3.0, 4.0)}, r"have the shape \(n, 4\), not \(4,\)"),
        ({"boxes": arrays.source(np.zeros((1, 4), complex))}, "real numbers, not complex128"),
        (
            {"boxes": arrays.source(np.zeros((limits.BOXES + 1, 4), np.uint8))},
            "at most 5000 boxes are drawn, not 5001",
        ),
        ({"labels": "cat"}, "labels of boxes must be a list of str, not str"),
        ({"labels": [1]}, "each of the labels of boxes must be a str, not int"),
        ({"labels": ["a", "b"]}, "2 labels for 1 boxes"),
        ({"factor": 1}, "must be a float64, not int"),
        ({"factor": 0.0}, "has no pixels"),
        ({"factor": float("nan")}, "nan times as large"),
        ({"factor": 1e9}, "1000000000.0 times as large"),
        ({"factor": 1.7e308}, "times as large"),
        ({"factor": 1e6}, "has more than"),
        ({"layout": "HW"}, "is for 2 dimensions"),
    ],
)
def test_other_records_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        events_of(Kind.IMAGE_BOXES, "tag", *fields(**options))


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "uint8"])
def test_shapes_that_numpy_does_not_allow(dtype: str) -> None:
    """As numbers, or as float64: an array without elements has any extents."""
    nothing = Anything(dtype, (0, 4, 4, 4, 1 << 28, 1 << 28), b"0")
    with pytest.raises(RecordError, match=r"shape"):
        events_of(Kind.IMAGE_BOXES, "tag", *fields(boxes=nothing))


def test_fields_that_are_lacking() -> None:
    with pytest.raises(RecordError, match="has 5 fields of its own, this one 4"):
        events_of(Kind.IMAGE_BOXES, "tag", *fields()[:4])
