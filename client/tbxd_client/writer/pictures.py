"""Pictures: one, several in a grid, with boxes, figures of matplotlib; and videos.

Layouts (``dataformats``) name the dimensions of an array, see :mod:`tbxd_wire.layouts`. Any order
and either case will do. What the values of an array mean depends on its dtype:

==============  =================================================================================
uint8           0 to 255, as it is
bool            0 and 255
floats          0 to 1 become 0 to 255; what is beyond is clipped, NaN is 0
uint16          0 to 65535 become 0 to 255
other integers  0 to 255, clipped
==============  =================================================================================

An integer array without a value above 1 is taken for a mask: 1 becomes 255.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from tbxd_client import arrays, convert
from tbxd_client import figure as figures
from tbxd_client.warn import warn
from tbxd_wire import layouts, limits
from tbxd_wire.arrays import Source
from tbxd_wire.kinds import Kind

from .core import Writer


class PictureMethods(Writer):
    """``add_image``, ``add_images``, ``add_image_with_boxes``, ``add_figure``, ``add_video``."""

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: Any = None,
        dataformats: str = "CHW",
    ) -> None:
        """Log a picture; several, in a grid of 8 columns, if the layout has an N.

        Args:
            tag: name of the picture.
            img_tensor: array of any framework; its values as the module's head says. Channels: 1
                grey, 2 grey with alpha, 3 RGB, 4 RGBA.
            global_step, walltime: as in :meth:`add_scalar`.
            dataformats: the dimensions: H and W, and perhaps C and N, in any order.

        Raises:
            AssertionError: the layout names no picture, or not the dimensions of the array.
            TypeError: not 1 to 4 channels (AssertionError if there is an N), or complex numbers.
            ValueError: no pixels.
            Otherwise as :meth:`add_scalar`.
        """
        layout = _layout(dataformats)
        picture = _picture(arrays.source(img_tensor, "img_tensor"), layout)
        self._post_arrays(Kind.IMAGE, tag, global_step, walltime, picture, layout)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: Any = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Log several pictures in a grid of 8 columns.

        Args:
            img_tensor: an array as in :meth:`add_image`, or a list of up to 4096 arrays of one
                shape.
            tag, global_step, walltime: as in :meth:`add_image`.
            dataformats: as in :meth:`add_image`; of a list, that of each array (an N in front of
                it, which stands for the list, may be there or not).

        Raises:
            ValueError: an empty list, too long a list, or arrays of different shapes.
            Otherwise as :meth:`add_image`.
        """
        if not _is_list_of_arrays(img_tensor):
            self.add_image(tag, img_tensor, global_step, walltime, dataformats)
            return
        layout = _layout(dataformats).removeprefix("N")
        pictures = _listed([arrays.source(each, "img_tensor") for each in img_tensor], layout)
        self._post_arrays(Kind.IMAGE, tag, global_step, walltime, pictures, layout)

    def add_image_with_boxes(
        self,
        tag: str,
        img_tensor: Any,
        box_tensor: Any,
        global_step: Any = None,
        walltime: Any = None,
        dataformats: str = "CHW",
        labels: Sequence[str] | str | None = None,
        rescale: float = 1,
    ) -> None:
        """Log a picture with boxes drawn into it, in red.

        torch has ``rescale`` where tensorboardX has ``dataformats``: name them.

        Args:
            tag, img_tensor, global_step, walltime, dataformats: as in :meth:`add_image`.
            box_tensor: array of shape (n, 4): xmin, ymin, xmax, ymax of each box, in pixels of
                the picture; further columns are ignored. A box with a NaN is not drawn.
            labels: a str for each box; as many as there are boxes, or they are left out with a
                warning.
            rescale: factor by which the picture is made larger or smaller, boxes and all.

        Raises:
            IndexError: the boxes are no array of shape (n, 4).
            ValueError: more than 5,000 boxes, a factor that leaves no pixel, or one that makes
                the picture larger than 32 megapixels.
            TypeError: a label that is no str.
            Otherwise as :meth:`add_image`.
        """
        if isinstance(dataformats, (int, float)):
            raise TypeError(
                f"dataformats must be a str, not {dataformats!r}; if it is torch's rescale, it goes"
                f" by its name here: rescale={dataformats!r}"
            )
        layout = _layout(dataformats)
        picture = _picture(arrays.source(img_tensor, "img_tensor"), layout)
        boxes = _boxes(arrays.source(box_tensor, "box_tensor"))
        factor = _factor(rescale, picture, layout)
        names = _labels(labels, boxes.shape[0], tag)
        fields = (picture, layout, boxes, names, factor)
        self._post_arrays(Kind.IMAGE_BOXES, tag, global_step, walltime, *fields)

    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: Any = None,
        close: bool = True,
        walltime: Any = None,
    ) -> None:
        """Log a figure of matplotlib as a picture; a list of them as a grid of 8 columns.

        It is drawn in this call, by Agg and at its own dpi, whatever the user's backend is.

        Args:
            tag, global_step, walltime: as in :meth:`add_image`.
            figure: a figure, or a list of figures of one size.
            close: whether to close it in pyplot afterwards.

        Raises:
            AttributeError: something that is no figure.
            ImportError: matplotlib is not installed; it says how to install it.
            ValueError: an empty list, or figures of different sizes.
            Otherwise as :meth:`add_scalar`; no figure is closed then.
        """
        several = isinstance(figure, (list, tuple))
        found = list(figure) if several else [figure]
        for each in found:
            figures.check(each)
        if self.write_to_disk:
            pixels = [arrays.source(figures.pixels_of(each), "figure") for each in found]
            content = _listed(pixels, "HWC") if several else _picture(pixels[0], "HWC")
            self._post_arrays(Kind.IMAGE, tag, global_step, walltime, content, "HWC")
        else:
            # Checked as ever, but not drawn: that takes longer than anything else here.
            self._post(Kind.IMAGE, tag, global_step, walltime)
        if close:
            for each in found:
                figures.close(each)

    def add_video(
        self,
        tag: str,
        vid_tensor: Any,
        global_step: Any = None,
        fps: Any = 4,
        walltime: Any = None,
        dataformats: str = "NTCHW",
    ) -> None:
        """Log a video as an animated GIF; several side by side, as N says.

        Args:
            tag, global_step, walltime: as in :meth:`add_image`.
            vid_tensor: array whose values are those of a picture. Channels: 1 grey, 3 RGB, 4 RGB
                and an alpha that is left out. Up to 10,000 frames, up to 65,535 pixels a side.
            fps: frames per second. A GIF counts hundredths of a second, and browsers take less
                than two of them for ten: 50 is the most that is shown.
            dataformats: the dimensions: N, T, C, H, W in any order.

        Raises:
            AssertionError: the layout does not have these five letters, or the array not five
                dimensions.
            TypeError: not 1, 3 or 4 channels, complex numbers, or ``fps`` is no number.
            ValueError: no pixels, too many of them, or ``fps`` is not above 0.
            Otherwise as :meth:`add_scalar`.
        """
        layout = _layout(dataformats)
        frames = _video(arrays.source(vid_tensor, "vid_tensor"), layout)
        rate = _rate(fps)
        self._post_arrays(Kind.VIDEO, tag, global_step, walltime, frames, layout, rate)


def _layout(dataformats: Any) -> str:
    """Return a layout in capitals."""
    if not isinstance(dataformats, str):
        raise TypeError(f"dataformats must be a str, not {type(dataformats).__name__}")
    return convert.plain(dataformats).upper()


def _extents(layout: str, shape: tuple[int, ...], letters: str) -> dict[str, int]:
    """Return the extent of each letter; AssertionError for a layout that does not fit."""
    try:
        return layouts.extents(layout, shape, letters)
    except ValueError as error:
        raise AssertionError(f"dataformats: {error}") from None


def _picture(source: Source, layout: str) -> Source:
    """Return a picture that is one."""
    extents = _extents(layout, source.shape, layouts.PICTURE)
    if not 1 <= extents["C"] <= limits.PICTURE_CHANNELS:
        # The peers' exceptions: of Pillow, and of their grid.
        kind = AssertionError if "N" in layout else TypeError
        raise kind(f"a picture has 1 to 4 channels, not {extents['C']} (shape {source.shape})")
    _check_values(source, "a picture")
    return source


def _listed(pictures: list[Source], layout: str) -> list[Source]:
    """Return pictures that can stand in one grid."""
    if not 1 <= len(pictures) <= limits.LISTED_PICTURES:
        raise ValueError(f"a list has 1 to {limits.LISTED_PICTURES} pictures, not {len(pictures)}")
    for picture in pictures:
        if picture.shape != pictures[0].shape:
            raise ValueError(
                "pictures of one grid must have the same shape,"
                f" not {pictures[0].shape} and {picture.shape}"
            )
        if "N" in layout:
            raise AssertionError(f"dataformats: the pictures of a list have no N, not {layout!r}")
        _picture(picture, layout)
    return pictures


def _is_list_of_arrays(value: Any) -> bool:
    """Return whether ``value`` is a list of pictures, and not one array written as a list."""
    return isinstance(value, list) and not (value and isinstance(value[0], (list, int, float)))


def _check_values(source: Source, what: str) -> None:
    if source.dtype.startswith("complex"):
        raise TypeError(f"{what} must be of real numbers, not {source.dtype}")
    if not source.nbytes:
        raise ValueError(f"{what} must have pixels; its shape is {source.shape}")


def _boxes(boxes: Source) -> Source:
    if len(boxes.shape) != 2 or boxes.shape[1] < 4:
        raise IndexError(f"box_tensor must have the shape (n, 4), not {boxes.shape}")
    if boxes.dtype.startswith("complex"):
        raise TypeError(f"box_tensor must be of real numbers, not {boxes.dtype}")
    if boxes.shape[0] > limits.BOXES:
        raise ValueError(f"at most {limits.BOXES} boxes are drawn, not {boxes.shape[0]}")
    return boxes


def _factor(rescale: Any, picture: Source, layout: str) -> float:
    """Return a factor that leaves some pixels, and not too many."""
    try:
        factor = float(rescale)
    except (TypeError, ValueError) as error:
        raise type(error)(f"rescale must be a number, not {rescale!r:.60}: {error}") from None
    extents = _extents(layout, picture.shape, layouts.PICTURE)
    rows, columns = layouts.picture_grid(extents["N"])
    layouts.rescaled((extents["H"] * rows, extents["W"] * columns), factor)
    return factor


def _labels(labels: Any, boxes: int, tag: Any) -> list[str] | None:
    """Return a label for each box, or None."""
    if labels is None:
        return None
    names = [labels] if isinstance(labels, str) else list(labels)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"a label must be a str, not {type(name).__name__}")
    if len(names) != boxes:
        warn(__name__, "%d labels for %d boxes of %.60r: no label is drawn", len(names), boxes, tag)
        return None
    return [convert.plain(name) for name in names]


def _video(source: Source, layout: str) -> Source:
    extents = _extents(layout, source.shape, layouts.VIDEO)
    if extents["C"] not in (1, 3, 4):
        raise TypeError(f"a video has 1, 3 or 4 channels, not {extents['C']}")
    _check_values(source, "a video")
    if extents["T"] > limits.FRAMES:
        raise ValueError(f"a video has at most {limits.FRAMES} frames, not {extents['T']}")
    rows, columns = layouts.video_grid(extents["N"])
    sides = extents["H"] * rows, extents["W"] * columns
    if max(sides) > limits.FRAME_SIDE:
        raise ValueError(
            f"a frame has at most {limits.FRAME_SIDE} pixels a side, not {sides[0]} x {sides[1]}"
        )
    return source


def _rate(fps: Any) -> float:
    if isinstance(fps, (str, bytes)):
        raise TypeError(f"fps must be a number, not {fps!r:.60}")
    rate = float(fps)
    if not (isfinite(rate) and rate > 0):
        raise ValueError(f"fps must be finite and above 0, not {rate}")
    return rate
