"""The histogram value of an event, and what stands beside it when elements are not finite."""

from __future__ import annotations

import numpy as np

from tbxd.proto.event_pb2 import Summary
from tbxd_wire.arrays import Array
from tbxd_wire.distributions import DEFAULT_BINS
from tbxd_wire.errors import RecordError

from . import bins
from .arrays import NDArray
from .chunks import real_array_of
from .moments import Moments

NAN_SUFFIX = "/nan"
INFINITE_SUFFIX = "/inf"
"""Appended to the tag: scalars that say how many elements the histogram leaves out. They are there
in the events of arrays that have such elements, and in no others."""


def values_of(field: object) -> Array:
    """Return a record's array of elements.

    Raises:
        RecordError: it is no array of real numbers, or it has no elements.
    """
    values = real_array_of(field, "the values of a histogram")
    if not values.data:
        raise RecordError(f"a histogram has values, this one has the shape {values.shape}")
    return values


def add_to(
    summary: Summary,
    tag: str,
    values: Array,
    wanted: str | int | NDArray = DEFAULT_BINS,
    max_bins: int | None = None,
) -> Moments:
    """Add the histogram of all finite elements under ``tag``; return what else is known of them.

    ``num``, ``min``, ``max``, ``sum`` and ``sum_squares`` are those of the finite elements as
    well. Buckets are as in both peers: from the first to the last that is not empty, with an empty
    one before them, so that the first one's left edge is there too. If no element lies in a bin
    there are none, which TensorBoard shows as an empty histogram.

    Args:
        wanted, max_bins: as for tbxd.encode.bins.
    """
    found = bins.count(values, wanted, max_bins)
    moments = found.moments
    histogram = summary.value.add(tag=tag).histo
    histogram.min, histogram.max = moments.minimum, moments.maximum
    histogram.num = moments.count
    histogram.sum, histogram.sum_squares = moments.total, moments.squares
    filled = np.flatnonzero(found.counts)
    if len(filled):
        first, end = int(filled[0]), int(filled[-1]) + 1
        histogram.bucket.append(0.0)
        histogram.bucket.extend(found.counts[first:end].tolist())
        histogram.bucket_limit.extend(found.edges[first : end + 1].tolist())
    if moments.nans:
        summary.value.add(tag=tag + NAN_SUFFIX, simple_value=moments.nans)
    if moments.infinities:
        summary.value.add(tag=tag + INFINITE_SUFFIX, simple_value=moments.infinities)
    return moments
