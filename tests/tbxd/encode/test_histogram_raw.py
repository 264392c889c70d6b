from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tbxd.encode import encode
from tbxd_client.arrays import source
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import Anything, events_of, record_of

LIMITS = source(np.array([1.0, math.inf]))
COUNTS = source(np.array([2.0, math.nan]))


def test_all_numbers_are_as_they_came() -> None:
    numbers = (-math.inf, math.nan, 3.0, 1e300, 0.0)
    (event,) = events_of(Kind.HISTOGRAM_RAW, "w", *numbers, LIMITS, COUNTS).values()
    (value,) = event.summary.value
    histogram = value.histo
    assert value.tag == "w"
    assert (histogram.min, histogram.num) == (-math.inf, 3)
    assert math.isnan(histogram.max)
    assert (histogram.sum, histogram.sum_squares) == (1e300, 0)
    assert list(histogram.bucket_limit) == [1, math.inf]
    np.testing.assert_array_equal(histogram.bucket, [2, math.nan])


def test_a_histogram_of_zeros_is_one() -> None:
    nothing = source(np.zeros(0))
    (event,) = events_of(Kind.HISTOGRAM_RAW, "w", *[0.0] * 5, nothing, nothing).values()
    assert event.summary.value[0].HasField("histo")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((*[1.0] * 5, LIMITS), "7 fields of its own"),
        ((1.0, 1, 1.0, 1.0, 1.0, LIMITS, COUNTS), "max must be a float64, not int"),
        ((*[1.0] * 5, LIMITS, source([1.0])), "2 bucket_limits and 1 bucket_counts"),
        ((*[1.0] * 5, [1.0], COUNTS), "bucket_limits must be an array"),
        ((*[1.0] * 5, LIMITS, source([[1.0]])), "bucket_counts must be in a row"),
        ((*[1.0] * 5, LIMITS, source([1j, 2])), "real numbers"),
        ((*[1.0] * 5, Anything("int8", (0, 1 << 28, 1 << 28, 1 << 28), b"x"), COUNTS), "in a row"),
    ],
)
def test_what_is_refused(fields: tuple[Any, ...], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        encode(record_of(Kind.HISTOGRAM_RAW, "w", *fields))
