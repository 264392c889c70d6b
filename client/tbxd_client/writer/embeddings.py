"""Points of a space, with labels and pictures, for TensorBoard's projector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from tbxd_client import arrays, convert
from tbxd_wire import paths, sprites
from tbxd_wire.arrays import Source
from tbxd_wire.kinds import Kind

from .core import Writer

_CHANNELS = (1, 3, 4)


class EmbeddingMethods(Writer):
    """``add_embedding``."""

    def add_embedding(
        self,
        mat: Any,
        metadata: Any = None,
        label_img: Any = None,
        global_step: Any = None,
        tag: str = "default",
        metadata_header: Sequence[Any] | None = None,
    ) -> None:
        """Log points of a space. They become files beside the event file.

        The same tag and step again replace the embedding. TensorBoard 2.21 looks for new
        embeddings when a run is added, or when it is started.

        Args:
            mat: shape (n, dimensions), real numbers of any dtype, stored as float32.
            metadata: a label for each point, of any type: its ``str`` is shown, that of a tensor
                without dimensions is its number's. With ``metadata_header`` a row of values for
                each point. Tabs and line ends become spaces.
            label_img: a picture for each point, shape (n, channels, height, width) with 1, 3 or 4
                channels; uint8, or any other dtype with 0 to 1 from black to white (clipped; NaN
                is black). The sprite that they make together has ceil(sqrt(n)) pictures in each
                row and column and is at most 8192 pixels wide and high. The projector draws all
                pictures as squares.
            global_step: int64; None is shown as step 0.
            tag: name of the embedding.
            metadata_header: names of the columns of ``metadata``.

        Raises:
            AssertionError: ``mat`` is not of two dimensions or has no elements; not as many labels
                or pictures as points; a row of ``metadata`` and the header differ in length;
                pictures of another shape or together too large.
            TypeError: complex numbers or no numbers.
            NotImplementedError: ``mat`` or ``label_img`` is no array.
            ValueError: a tag of which no file name can be made, a step outside int64.
        """
        tag = convert.tag(tag)
        paths.directory_of_tag(tag)
        points = _real(mat, "mat")
        _check_shape(points, "mat", "(points, dimensions)")
        count = points.shape[0]
        header = None
        if metadata_header is not None and len(metadata_header):
            header = [str(name) for name in metadata_header]
        rows = None if metadata is None else _rows(metadata, header, count)
        pictures = None if label_img is None else _pictures(label_img, count)
        # Without rows there is nothing for a header to name.
        header = None if rows is None else header
        self._post_arrays(Kind.EMBEDDING, tag, global_step, None, points, rows, header, pictures)


def _real(value: Any, name: str) -> Source:
    """Return an array that is none of complex numbers."""
    source = arrays.source(value, name)
    if source.dtype.startswith("complex"):
        raise TypeError(f"{name} must be real numbers, not {source.dtype}")
    return source


def _check_shape(source: Source, name: str, extents: str) -> None:
    """Refuse an array that has other dimensions than ``extents`` names, or no elements."""
    if len(source.shape) != len(extents.split(",")) or 0 in source.shape:
        raise AssertionError(
            f"{name} must have the shape {extents}, none of them 0, not {source.shape}"
        )


def _rows(metadata: Any, header: list[str] | None, count: int) -> list[list[str]]:
    """Return a list of strings for each point."""
    if len(metadata) != count:
        raise AssertionError(
            f"metadata must have a label for each of {count} points, not {len(metadata)} labels"
        )
    if header is None:
        return [[_text(label)] for label in metadata]
    rows = [[_text(value) for value in row] for row in metadata]
    for number, row in enumerate(rows):
        if len(row) != len(header):
            raise AssertionError(
                f"metadata_header names {len(header)} columns, row {number} of metadata has"
                f" {len(row)}"
            )
    return rows


def _text(value: Any) -> str:
    """Return what is shown for a value: "3" and not "tensor(3)", which would be no number."""
    if type(value) is not str and getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value if isinstance(value, numpy.generic) else value.item()
    return str(value)


def _pictures(label_img: Any, count: int) -> Source:
    """Return a picture for each point."""
    pictures = _real(label_img, "label_img")
    _check_shape(pictures, "label_img", "(points, channels, height, width)")
    number, channels, height, width = pictures.shape
    if number != count:
        raise AssertionError(
            f"label_img must have a picture for each of {count} points, not {number} pictures"
        )
    if channels not in _CHANNELS:
        raise AssertionError(f"label_img must have 1, 3 or 4 channels, not {channels}")
    if not sprites.fits(count, height, width):
        raise AssertionError(
            f"{count} pictures of {height} x {width} pixels make a sprite of"
            f" {sprites.columns_of(count)} of them in each row and column, larger than"
            f" {sprites.SPRITE_PIXELS} pixels"
        )
    return pictures
