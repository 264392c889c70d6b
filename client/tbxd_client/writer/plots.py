"""Numbers that the daemon draws: curves, heat maps, confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tbxd_client import arrays, convert
from tbxd_wire import limits
from tbxd_wire.arrays import Source
from tbxd_wire.kinds import Kind

from .core import Writer


class PlotMethods(Writer):
    """``add_curve``, ``add_heatmap`` and ``add_confusion_matrix``."""

    def add_curve(
        self,
        tag: str,
        x: Any,
        y: Any,
        label: str | None = None,
        global_step: Any = None,
        walltime: Any = None,
    ) -> None:
        """Log a curve: a drawn plot under ``tag``, and its points under ``<tag>/data``.

        Args:
            tag: name of the plot.
            x, y: arrays of real numbers, both of shape (n,), n from 1 to 4,194,304. The points are
                joined in their order; where one is not finite, the line has a gap.
            label: written above the plot.
            global_step, walltime: as in :meth:`add_scalar`.

        The points are a tensor of shape (2, n), x first: float32 if both arrays fit into that
        without loss, else float64.

        Raises:
            ValueError: not two arrays of one shape (n,), no points, or too many.
            TypeError: complex numbers, or a label that is no str.
            Otherwise as :meth:`add_scalar`.
        """
        xs, ys = arrays.source(x, "x"), arrays.source(y, "y")
        if len(xs.shape) != 1 or xs.shape != ys.shape:
            raise ValueError(f"x and y must have one shape (n,), not {xs.shape} and {ys.shape}")
        if not 1 <= xs.shape[0] <= limits.CURVE_POINTS:
            raise ValueError(f"a curve has 1 to {limits.CURVE_POINTS} points, not {xs.shape[0]}")
        _check_real(xs, "x")
        _check_real(ys, "y")
        if label is not None and not isinstance(label, str):
            raise TypeError(f"label must be a str, not {type(label).__name__}")
        name = None if label is None else convert.plain(label)
        self._post_arrays(Kind.CURVE, tag, global_step, walltime, xs, ys, name)

    def add_heatmap(
        self,
        tag: str,
        matrix: Any,
        global_step: Any = None,
        row_labels: Sequence[str] | None = None,
        column_labels: Sequence[str] | None = None,
        annotated: bool = False,
        walltime: Any = None,
    ) -> None:
        """Log a matrix as a heat map with a scale of its colours.

        Args:
            tag: name of the picture.
            matrix: array of real numbers, of shape (rows, columns). Dark is small, NaN is grey. A
                large one is drawn as the means of its blocks: no picture is wider or higher than
                2,000 pixels.
            row_labels, column_labels: a str for each row and column; by default their numbers.
            annotated: write the value into each cell, if the cells are large enough.
            global_step, walltime: as in :meth:`add_scalar`.

        Raises:
            ValueError: no matrix, an empty one, or not one label for each row or column.
            TypeError: complex numbers, or a label that is no str.
            Otherwise as :meth:`add_scalar`.
        """
        cells = _matrix(arrays.source(matrix, "matrix"))
        rows = _labels(row_labels, "row_labels", cells.shape[0])
        columns = _labels(column_labels, "column_labels", cells.shape[1])
        fields = (cells, rows, columns, bool(annotated), ["", ""])
        self._post_arrays(Kind.HEATMAP, tag, global_step, walltime, *fields)

    def add_confusion_matrix(
        self,
        tag: str,
        matrix: Any,
        labels: Sequence[str] | None = None,
        global_step: Any = None,
        walltime: Any = None,
    ) -> None:
        """Log a confusion matrix as an annotated heat map.

        Args:
            tag, global_step, walltime: as in :meth:`add_heatmap`.
            matrix: array of real numbers, of shape (classes, classes): counts or shares, with a
                row for each true class and a column for each predicted one (scikit-learn's order).
            labels: the names of the classes; by default their numbers.

        Raises:
            ValueError: the matrix is not square, or there is not one label for each class.
            Otherwise as :meth:`add_heatmap`.
        """
        cells = _matrix(arrays.source(matrix, "matrix"))
        if cells.shape[0] != cells.shape[1]:
            raise ValueError(f"a confusion matrix is square, not of shape {cells.shape}")
        names = _labels(labels, "labels", cells.shape[0])
        fields = (cells, names, names, True, ["true", "predicted"])
        self._post_arrays(Kind.HEATMAP, tag, global_step, walltime, *fields)


def _check_real(source: Source, name: str) -> None:
    if source.dtype.startswith("complex"):
        raise TypeError(f"{name} must be real numbers, not {source.dtype}")


def _matrix(source: Source) -> Source:
    if len(source.shape) != 2 or not source.nbytes:
        raise ValueError(f"matrix must have the shape (rows, columns), not {source.shape}")
    _check_real(source, "matrix")
    return source


def _labels(labels: Any, name: str, count: int) -> list[str] | None:
    """Return ``count`` labels, or None for none."""
    if labels is None:
        return None
    if isinstance(labels, str):
        raise TypeError(f"{name} must be a sequence of str, not one str")
    names = list(labels)
    for each in names:
        if not isinstance(each, str):
            raise TypeError(f"a label in {name} must be a str, not {type(each).__name__}")
    if len(names) != count:
        raise ValueError(f"{name} must be {count}, one for each row or column, not {len(names)}")
    return [convert.plain(each) for each in names]
