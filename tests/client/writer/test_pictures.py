"""Pictures and videos as records, and mistakes in them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from tbxd_client import SummaryWriter
from tbxd_wire import limits
from tbxd_wire.arrays import Array
from tbxd_wire.kinds import Kind
from tests.client.leftovers import Logged, read_all

pytestmark = pytest.mark.usefixtures("runtime_directory")

RGB = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
BOX = np.array([[1.0, 2.0, 3.0, 4.0]])
VIDEO = np.zeros((1, 2, 3, 4, 5), np.uint8)


def described(field: Any) -> Any:
    """Return dtype, shape and elements of an array, at any depth of lists."""
    if isinstance(field, list):
        return [described(each) for each in field]
    if isinstance(field, Array):
        return field.dtype, field.shape, bytes(field.data)
    return field


def array(value: Any) -> tuple[str, tuple[int, ...], bytes]:
    value = np.asarray(value)
    return value.dtype.name, value.shape, value.tobytes()


def test_add_image(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_image("tag", RGB, 3, 4.0)
    writer.add_image("tag", torch.from_numpy(RGB.transpose(1, 2, 0)), 3, 4.0, "hWc")
    writer.add_image("tag", [[0.5, 1.0]], 3, 4.0, dataformats="HW")
    assert described(logged()) == [
        [Kind.IMAGE, "tag", 3, 4.0, array(RGB), "CHW"],
        [Kind.IMAGE, "tag", 3, 4.0, array(RGB.transpose(1, 2, 0)), "HWC"],
        [Kind.IMAGE, "tag", 3, 4.0, array([[0.5, 1.0]]), "HW"],
    ]


def test_add_images(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_images("tag", RGB[None], 3, 4.0)
    writer.add_images("tag", [RGB, torch.from_numpy(RGB)], 3, 4.0, "CHW")
    writer.add_images("tag", [RGB, RGB], 3, 4.0)
    writer.add_images("tag", RGB[:, None].tolist(), 3, 4.0)
    listed = [Kind.IMAGE, "tag", 3, 4.0, [array(RGB), array(RGB)], "CHW"]
    assert described(logged()) == [
        [Kind.IMAGE, "tag", 3, 4.0, array(RGB[None]), "NCHW"],
        listed,
        listed,
        [Kind.IMAGE, "tag", 3, 4.0, array(RGB[:, None].astype(np.int64)), "NCHW"],
    ]


def test_a_picture_is_copied_when_it_is_logged(writer: SummaryWriter, logged: Logged) -> None:
    picture = RGB.copy()
    writer.add_image("tag", picture, 3, 4.0)
    picture[:] = 0
    assert described(logged())[0][4] == array(RGB)


def test_add_image_with_boxes(
    writer: SummaryWriter, logged: Logged, caplog: pytest.LogCaptureFixture
) -> None:
    writer.add_image_with_boxes("tag", RGB, BOX, 3, 4.0)
    writer.add_image_with_boxes("tag", RGB, torch.from_numpy(BOX), 3, 4.0, "CHW", "cat", 2)
    writer.add_image_with_boxes("tag", RGB, BOX, 3, 4.0, labels=("cat",), rescale=0.5)
    with caplog.at_level(logging.WARNING, "tbxd_client"):
        writer.add_image_with_boxes("tag", RGB, BOX, 3, 4.0, labels=["cat", "dog"])
    assert "2 labels for 1 boxes of 'tag'" in caplog.text
    head = [Kind.IMAGE_BOXES, "tag", 3, 4.0, array(RGB), "CHW", array(BOX)]
    assert described(logged()) == [
        [*head, None, 1.0],
        [*head, ["cat"], 2.0],
        [*head, ["cat"], 0.5],
        [*head, None, 1.0],
    ]


def test_add_video(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_video("tag", VIDEO, 3, 30, 4.0)
    writer.add_video("tag", torch.from_numpy(VIDEO), 3, walltime=4.0, dataformats="ntchw")
    head = [Kind.VIDEO, "tag", 3, 4.0, array(VIDEO), "NTCHW"]
    assert described(logged()) == [[*head, 30.0], [*head, 4.0]]


# -- figures


def figure(size: tuple[float, float] = (2, 1)) -> Figure:
    drawn = Figure(figsize=size, dpi=20)
    drawn.subplots().plot([1, 2])
    return drawn


def test_add_figure(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_figure("tag", figure(), 3, True, 4.0)
    writer.add_figure("tag", [figure(), figure()], 3, walltime=4.0)
    one, several = logged()
    assert (one[:4], one[5]) == ([Kind.IMAGE, "tag", 3, 4.0], "HWC")
    assert (one[4].dtype, one[4].shape) == ("uint8", (20, 40, 3))
    assert [each.shape for each in several[4]] == [(20, 40, 3)] * 2
    assert several[5] == "HWC"


@pytest.mark.parametrize("close", [True, False])
def test_a_figure_is_closed_if_asked(writer: SummaryWriter, close: bool) -> None:
    from matplotlib import pyplot

    drawn = [pyplot.figure(figsize=(2, 1)) for _ in range(2)]
    numbers = [each.number for each in drawn]
    try:
        writer.add_figure("tag", drawn, close=close)
        writer.add_figure("tag", drawn[0], close=False)
        assert [pyplot.fignum_exists(number) for number in numbers] == [not close] * 2
    finally:
        pyplot.close("all")


def test_nothing_is_closed_when_a_figure_is_not_logged(writer: SummaryWriter) -> None:
    from matplotlib import pyplot

    drawn = pyplot.figure(figsize=(2, 1))
    try:
        for figures, step, error in (
            ([drawn, None], 1, AttributeError),
            ([drawn, figure((3, 1))], 1, ValueError),
            (drawn, "one", ValueError),
        ):
            with pytest.raises(error):
                writer.add_figure("tag", figures, step)
            assert pyplot.fignum_exists(drawn.number)
    finally:
        pyplot.close("all")


def test_without_matplotlib(writer: SummaryWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.backends", None)
    with pytest.raises(ImportError, match=r"pip install 'tbxd\[figures\]'"):
        writer.add_figure("tag", figure())


# -- mistakes

BAD_CALLS: dict[str, tuple[Callable[[SummaryWriter], None], type[Exception]]] = {
    "tag": (lambda w: w.add_image(1, RGB), TypeError),  # type: ignore[arg-type]
    "no array": (lambda w: w.add_image("t", None), NotImplementedError),
    "a str": (lambda w: w.add_image("t", "picture.png"), TypeError),
    "a ragged list": (lambda w: w.add_image("t", [[1], [1, 2]], dataformats="HW"), ValueError),
    "complex": (lambda w: w.add_image("t", RGB * 1j), TypeError),
    "dimensions": (lambda w: w.add_image("t", RGB[0]), AssertionError),
    "more dimensions": (lambda w: w.add_image("t", RGB, dataformats="NCHW"), AssertionError),
    "letters": (lambda w: w.add_image("t", RGB, dataformats="HWX"), AssertionError),
    "a letter twice": (lambda w: w.add_image("t", RGB, dataformats="HHW"), AssertionError),
    "no letters": (lambda w: w.add_image("t", np.uint8(1), dataformats=""), AssertionError),
    "one letter": (lambda w: w.add_image("t", RGB[0, 0], dataformats="W"), AssertionError),
    "no layout": (
        lambda w: w.add_image("t", RGB, dataformats=None),  # type: ignore[arg-type]
        TypeError,
    ),
    "five channels": (lambda w: w.add_image("t", np.zeros((5, 2, 2))), TypeError),
    "no channels": (lambda w: w.add_image("t", np.zeros((0, 2, 2))), TypeError),
    "five channels of N": (lambda w: w.add_images("t", np.zeros((1, 5, 2, 2))), AssertionError),
    "no pixels": (lambda w: w.add_image("t", np.zeros((3, 0, 2))), ValueError),
    "no pictures": (lambda w: w.add_images("t", np.zeros((0, 3, 2, 2))), ValueError),
    "step": (lambda w: w.add_image("t", RGB, "one"), ValueError),
    "time": (lambda w: w.add_image("t", RGB, 1, float("nan")), ValueError),
    "an empty list": (lambda w: w.add_images("t", [], dataformats="CHW"), ValueError),
    "a long list": (
        lambda w: w.add_images("t", [RGB] * (limits.LISTED_PICTURES + 1), dataformats="CHW"),
        ValueError,
    ),
    "shapes of a list": (
        lambda w: w.add_images("t", [RGB, RGB[:, 1:]], dataformats="CHW"),
        ValueError,
    ),
    "something in a list": (
        lambda w: w.add_images("t", [RGB, None], dataformats="CHW"),
        NotImplementedError,
    ),
    "N in a list": (
        lambda w: w.add_images("t", [RGB[None]], dataformats="CNHW"),
        AssertionError,
    ),
    "one box": (lambda w: w.add_image_with_boxes("t", RGB, BOX[0]), IndexError),
    "boxes of three": (lambda w: w.add_image_with_boxes("t", RGB, BOX[:, :3]), IndexError),
    "no boxes": (lambda w: w.add_image_with_boxes("t", RGB, None), NotImplementedError),
    "complex boxes": (lambda w: w.add_image_with_boxes("t", RGB, BOX * 1j), TypeError),
    "many boxes": (
        lambda w: w.add_image_with_boxes("t", RGB, np.zeros((limits.BOXES + 1, 4))),
        ValueError,
    ),
    "labels": (lambda w: w.add_image_with_boxes("t", RGB, BOX, labels=1), TypeError),  # type: ignore[arg-type]
    "a label": (
        lambda w: w.add_image_with_boxes("t", RGB, BOX, labels=[1]),  # type: ignore[list-item]
        TypeError,
    ),
    "surrogates": (lambda w: w.add_image_with_boxes("t", RGB, BOX, labels=["\ud800"]), ValueError),
    "no size": (lambda w: w.add_image_with_boxes("t", RGB, BOX, rescale=0), ValueError),
    "NaN size": (lambda w: w.add_image_with_boxes("t", RGB, BOX, rescale=float("nan")), ValueError),
    "large size": (lambda w: w.add_image_with_boxes("t", RGB, BOX, rescale=1e5), ValueError),
    "words of size": (
        lambda w: w.add_image_with_boxes("t", RGB, BOX, rescale="x"),  # type: ignore[arg-type]
        ValueError,
    ),
    "size in place of a layout, as in torch": (
        lambda w: w.add_image_with_boxes("t", RGB, BOX, 1, 2.0, 2),  # type: ignore[arg-type]
        TypeError,
    ),
    "no figure": (lambda w: w.add_figure("t", None), AttributeError),
    "a picture as a figure": (lambda w: w.add_figure("t", RGB), AttributeError),
    "no figures": (lambda w: w.add_figure("t", []), ValueError),
    "sizes of figures": (lambda w: w.add_figure("t", [figure(), figure((1, 1))]), ValueError),
    "figure and step": (lambda w: w.add_figure("t", figure(), "one"), ValueError),
    "a picture as a video": (lambda w: w.add_video("t", RGB), AssertionError),
    "letters of a video": (
        lambda w: w.add_video("t", VIDEO, dataformats="NTCHX"),
        AssertionError,
    ),
    "channels of a video": (lambda w: w.add_video("t", VIDEO[:, :, :2]), TypeError),
    "no frames": (lambda w: w.add_video("t", VIDEO[:, :0]), ValueError),
    "no videos": (lambda w: w.add_video("t", VIDEO[:0]), ValueError),
    "many frames": (
        lambda w: w.add_video("t", np.zeros((1, limits.FRAMES + 1, 1, 1, 1))),
        ValueError,
    ),
    "wide frames": (lambda w: w.add_video("t", np.zeros((1, 1, 1, 1, 65_536))), ValueError),
    "no rate": (lambda w: w.add_video("t", VIDEO, fps=0), ValueError),
    "negative rate": (lambda w: w.add_video("t", VIDEO, fps=-1), ValueError),
    "NaN rate": (lambda w: w.add_video("t", VIDEO, fps=float("nan")), ValueError),
    "rate of words": (lambda w: w.add_video("t", VIDEO, fps="4"), TypeError),
    "rate of None": (lambda w: w.add_video("t", VIDEO, fps=None), TypeError),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_a_mistake_is_raised_and_nothing_is_logged(
    name: str, writer: SummaryWriter, runtime_directory: str
) -> None:
    call, error = BAD_CALLS[name]
    with pytest.raises(error) as caught:
        call(writer)
    assert str(caught.value), "it says what was expected"
    assert read_all(runtime_directory) == []


def test_write_to_disk_checks_and_writes_nothing(
    tmp_path: Path, runtime_directory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SummaryWriter(tmp_path / "run", write_to_disk=False)
    writer.add_image("tag", RGB)
    writer.add_images("tag", [RGB], dataformats="CHW")
    writer.add_image_with_boxes("tag", RGB, BOX)
    writer.add_video("tag", VIDEO)
    monkeypatch.setattr("tbxd_client.figure.pixels_of", lambda figure: pytest.fail("drawn"))
    from matplotlib import pyplot

    drawn = pyplot.figure(figsize=(2, 1))
    with pytest.raises(ValueError, match="global_step"):
        writer.add_figure("tag", drawn, "one")
    assert pyplot.fignum_exists(drawn.number)
    writer.add_figure("tag", drawn)
    assert not pyplot.fignum_exists(drawn.number)
    with pytest.raises(AttributeError):
        writer.add_figure("tag", None)
    with pytest.raises(AssertionError):
        writer.add_image("tag", RGB, dataformats="HW")
    assert read_all(runtime_directory) == []
    assert not (tmp_path / "run").exists()


def test_torchs_factor_is_to_be_named(tmp_path: Path) -> None:
    writer = SummaryWriter(tmp_path)
    with pytest.raises(TypeError, match="it goes by its name here: rescale=2"):
        writer.add_image_with_boxes("t", RGB, BOX, 1, 2.0, 2)  # type: ignore[arg-type]
