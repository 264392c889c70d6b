"""Arrays by what lies in them: histograms, precision-recall curves; and arrays as they are."""

from __future__ import annotations

import operator
import sys
from typing import Any

import numpy

from tbxd_client import arrays, convert
from tbxd_wire.arrays import Source
from tbxd_wire.distributions import BINS_MAX, DEFAULT_BINS, RULES, THRESHOLDS_MAX
from tbxd_wire.kinds import Kind

from .core import Writer


class DistributionMethods(Writer):
    """``add_histogram``, ``add_histogram_raw``, ``add_pr_curve(_raw)`` and ``add_tensor``."""

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: Any = None,
        bins: Any = DEFAULT_BINS,
        walltime: Any = None,
        max_bins: int | None = None,
    ) -> None:
        """Log how an array's elements are distributed.

        The histogram is of the finite elements. If there are others, two scalars beside it say how
        many: ``<tag>/nan`` and ``<tag>/inf``.

        Args:
            tag: name of the histogram; "/" groups histograms.
            values: real numbers of any shape and dtype, at least one.
            global_step, walltime: as in ``add_scalar``.
            bins: "tensorflow" (1,548 bins from -1e20 to 1e20, each 1.1 times as wide as the one
                before; what lies outside is in one more bin), a name that ``numpy.histogram``
                knows ("auto", "fd", "doane", "scott", "stone", "rice", "sturges", "sqrt"), how
                many bins of one width (1 to 65,536), or the edges, rising; elements outside of
                given edges are in no bin. No name makes more than 65,536 bins; for a large array
                it looks at the shape of evenly spaced elements.
            max_bins: if there are more bins than this, neighbours are joined.

        Raises:
            ValueError: no elements, an unknown name, a number out of range, edges that do not
                rise, ``max_bins`` below 1, a step outside int64.
            TypeError: complex numbers or no numbers; ``bins`` or ``max_bins`` of another type.
            NotImplementedError: ``values`` is no array.
        """
        source = _real(values, "values")
        if 0 in source.shape:
            raise ValueError(f"a histogram needs at least one value, not the shape {source.shape}")
        if bins is not DEFAULT_BINS:
            bins = _bins(bins)
        if max_bins is not None:
            max_bins = _index(max_bins, "max_bins")
            if max_bins < 1:
                raise ValueError(f"max_bins must be at least 1, not {max_bins}")
            # What joins nothing need not be more than a record can hold.
            max_bins = min(max_bins, sys.maxsize)
        self._post_arrays(Kind.HISTOGRAM, tag, global_step, walltime, source, bins, max_bins)

    def add_histogram_raw(
        self,
        tag: str,
        min: Any,
        max: Any,
        num: Any,
        sum: Any,
        sum_squares: Any,
        bucket_limits: Any,
        bucket_counts: Any,
        global_step: Any = None,
        walltime: Any = None,
    ) -> None:
        """Log a histogram that has been counted already.

        Args:
            tag: name of the histogram.
            min, max, num, sum, sum_squares: of all elements, numbers as in ``add_scalar``.
            bucket_limits: the right edge of each bucket. (``numpy.histogram`` returns one edge
                more, the left one of the first.)
            bucket_counts: the number of elements in each bucket.
            global_step, walltime: as in ``add_scalar``.

        Raises:
            ValueError: not as many limits as counts, a step outside int64.
            TypeError: limits or counts that are not numbers in a row.
            Otherwise as ``add_scalar``.
        """
        limits = _row(bucket_limits, "bucket_limits")
        counts = _row(bucket_counts, "bucket_counts")
        if len(limits) != len(counts):
            raise ValueError(
                f"there must be a limit for each count, not {len(limits)} bucket_limits"
                f" and {len(counts)} bucket_counts"
            )
        numbers = [convert.scalar(number) for number in (min, max, num, sum, sum_squares)]
        self._post_arrays(
            Kind.HISTOGRAM_RAW,
            tag,
            global_step,
            walltime,
            *numbers,
            arrays.source(limits),
            arrays.source(counts),
        )

    def add_pr_curve(
        self,
        tag: str,
        labels: Any,
        predictions: Any,
        global_step: Any = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: Any = None,
    ) -> None:
        """Log a precision-recall curve.

        Args:
            tag: name of the curve.
            labels: whether each is true: bool, or 0 and 1.
            predictions: of the shape of ``labels``: the probability of each to be true, 0 to 1;
                what lies outside counts for nothing.
            global_step, walltime: as in ``add_scalar``.
            num_thresholds: how many evenly spaced thresholds there are; more than 127 are 127.
            weights: how much each counts: a number, or an array that numpy broadcasts to the
                shape of ``predictions``.

        Raises:
            ValueError: shapes that do not fit, ``num_thresholds`` below 1, a step outside int64.
            TypeError: complex numbers or no numbers, ``num_thresholds`` that is no integer.
            NotImplementedError: ``labels``, ``predictions`` or ``weights`` is no array.
        """
        truths = _real(labels, "labels")
        scores = _real(predictions, "predictions")
        if truths.shape != scores.shape:
            raise ValueError(
                f"labels and predictions must have one shape, not {truths.shape} and {scores.shape}"
            )
        thresholds = _index(num_thresholds, "num_thresholds")
        if thresholds < 1:
            raise ValueError(f"num_thresholds must be at least 1, not {thresholds}")
        if thresholds > THRESHOLDS_MAX:
            thresholds = THRESHOLDS_MAX
        weight = None if weights is None else _weights(weights, scores.shape)
        self._post_arrays(
            Kind.PR_CURVE, tag, global_step, walltime, truths, scores, thresholds, weight
        )

    def add_pr_curve_raw(
        self,
        tag: str,
        true_positive_counts: Any,
        false_positive_counts: Any,
        true_negative_counts: Any,
        false_negative_counts: Any,
        precision: Any,
        recall: Any,
        global_step: Any = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: Any = None,
    ) -> None:
        """Log a precision-recall curve that has been counted already.

        Args:
            tag: name of the curve.
            true_positive_counts, false_positive_counts, true_negative_counts,
                false_negative_counts, precision, recall: a number for each threshold, the lowest
                first.
            global_step, walltime: as in ``add_scalar``.
            num_thresholds, weights: accepted for compatibility; there are as many thresholds as
                numbers, and the numbers are what they are.

        Raises:
            ValueError: not one number or more, and as many, in each row; a step outside int64.
            TypeError: no rows of real numbers.
        """
        rows = {
            "true_positive_counts": true_positive_counts,
            "false_positive_counts": false_positive_counts,
            "true_negative_counts": true_negative_counts,
            "false_negative_counts": false_negative_counts,
            "precision": precision,
            "recall": recall,
        }
        found = [_row(row, name) for name, row in rows.items()]
        lengths = [len(row) for row in found]
        if len(set(lengths)) > 1 or not lengths[0]:
            raise ValueError(
                f"each row of a PR curve must have a number for each threshold, not {lengths}"
            )
        curve = arrays.source(numpy.stack(found))
        self._post_arrays(Kind.PR_CURVE_RAW, tag, global_step, walltime, curve)

    def add_tensor(
        self, tag: str, tensor: Any, global_step: Any = None, walltime: Any = None
    ) -> None:
        """Log an array as it is, for whoever reads the event file; TensorBoard does not show it.

        Args:
            tag: name of the array.
            tensor: numbers of any shape and dtype. TensorBoard's ``make_ndarray`` returns them as
                they were; it has no bfloat16 and no float8, which become float32 and float16 (each
                value is one of those), and an empty uint32 or uint64 becomes int64.
            global_step, walltime: as in ``add_scalar``.

        Raises:
            TypeError: no numbers.
            NotImplementedError: ``tensor`` is no array.
            ValueError: a step outside int64.
        """
        self._post_arrays(Kind.TENSOR, tag, global_step, walltime, arrays.source(tensor, "tensor"))


def _real(value: Any, name: str) -> Source:
    """Return an array that is none of complex numbers."""
    source = arrays.source(value, name)
    if source.dtype.startswith("complex"):
        raise TypeError(f"{name} must be real numbers, not {source.dtype}")
    return source


def _index(value: Any, name: str) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {value!r:.60}") from None


def _listed(value: Any) -> Any:
    """Return what numpy takes for an array, and ``arrays.source`` does not, as a list."""
    return list(value) if isinstance(value, (tuple, range)) else value


def _row(value: Any, name: str) -> numpy.ndarray[Any, numpy.dtype[numpy.float64]]:
    """Return float64 of one dimension; a copy only if it was something else."""
    row = arrays.host_array(_listed(value), name)
    if row.ndim != 1 or row.dtype.kind == "c":
        raise TypeError(
            f"{name} must be real numbers in a row, not {row.dtype.name} of shape {row.shape}"
        )
    return row.astype(numpy.float64, copy=False)


def _bins(bins: Any) -> str | int | Source:
    """Return bins as a record has them; see ``add_histogram``."""
    if isinstance(bins, str):
        if bins != DEFAULT_BINS and bins not in RULES:
            raise ValueError(
                f"bins must be {DEFAULT_BINS!r}, one of {', '.join(RULES)}, a number or edges,"
                f" not {bins!r:.60}"
            )
        return convert.plain(bins)
    if not getattr(bins, "shape", isinstance(bins, (list, tuple, range))):
        number = _index(bins, "bins")
        if not 1 <= number <= BINS_MAX:
            raise ValueError(f"bins must be 1 to {BINS_MAX}, if a number, not {number}")
        return number
    edges = arrays.host_array(_listed(bins), "bins")
    if edges.ndim != 1 or len(edges) < 2:
        raise ValueError(f"bins must be two or more edges in a row, not of shape {edges.shape}")
    if edges.dtype.kind == "c":
        raise TypeError(f"bins must be real numbers, not {edges.dtype.name}")
    # Written so that a NaN fails too.
    if not (edges[:-1] <= edges[1:]).all():
        raise ValueError("bins must rise, if edges")
    return arrays.source(edges.astype(numpy.float64, copy=False))


def _weights(weights: Any, shape: tuple[int, ...]) -> Source:
    """Return weights of ``shape``, or one for all."""
    source = _real(weights, "weights")
    if source.shape in (shape, ()):
        return source
    try:
        # A view: what it repeats is written out where it is copied to.
        return arrays.source(numpy.broadcast_to(arrays.host_array(weights, "weights"), shape))
    except ValueError:
        raise ValueError(
            f"weights must be a number or broadcast to the shape {shape}, not {source.shape}"
        ) from None
