"""Pictures: one, several in a grid, with boxes, figures of matplotlib.

Layouts, and what the values of an array mean: :mod:`tbxd_client.writer.pixels`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tbxd_client import arrays, convert
from tbxd_client import figure as figures
from tbxd_client.warn import warn
from tbxd_wire import layouts, limits
from tbxd_wire.arrays import Source
from tbxd_wire.kinds import Kind

from . import pixels
from .core import Writer


class PictureMethods(Writer):
    """``add_image``, ``add_images``, ``add_image_with_boxes``, ``add_figure``."""

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
            img_tensor: array of any framework; its values as :mod:`tbxd_client.writer.pixels` says.
                Channels: 1 grey, 2 grey with alpha, 3 RGB, 4 RGBA.
            global_step, walltime: as in :meth:`add_scalar`.
            dataformats: the dimensions: H and W, and perhaps C and N, in any order.

        Raises:
            AssertionError: the layout names no picture, or not the dimensions of the array.
            TypeError: not 1 to 4 channels (AssertionError if there is an N), or complex numbers.
            ValueError: no pixels.
            Otherwise as :meth:`add_scalar`.
        """
        layout = pixels.layout(dataformats)
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
        layout = pixels.layout(dataformats).removeprefix("N")
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
        layout = pixels.layout(dataformats)
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
            drawn = [arrays.source(figures.pixels_of(each), "figure") for each in found]
            content = _listed(drawn, "HWC") if several else _picture(drawn[0], "HWC")
            self._post_arrays(Kind.IMAGE, tag, global_step, walltime, content, "HWC")
        else:
            # Checked as ever, but not drawn: that takes longer than anything else here.
            self._post(Kind.IMAGE, tag, global_step, walltime)
        if close:
            for each in found:
                figures.close(each)


def _picture(source: Source, layout: str) -> Source:
    """Return a picture that is one."""
    extents = pixels.extents(layout, source.shape, layouts.PICTURE)
    if not 1 <= extents["C"] <= limits.PICTURE_CHANNELS:
        # The peers' exceptions: of Pillow, and of their grid.
        kind = AssertionError if "N" in layout else TypeError
        raise kind(f"a picture has 1 to 4 channels, not {extents['C']} (shape {source.shape})")
    pixels.check_values(source, "a picture")
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
    extents = pixels.extents(layout, picture.shape, layouts.PICTURE)
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
