from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from tensorboard import data_compat
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.util import tensor_util

from tbxd.encode import encode, is_slow
from tbxd_client.arrays import source
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import Anything, events_of, record_of


def values_of(values: Any, bins: Any = "tensorflow", max_bins: Any = None) -> dict[str, Any]:
    """Return the values of the one event by their tags."""
    (event,) = events_of(Kind.HISTOGRAM, "w", source(values), bins, max_bins).values()
    assert event.step == 3
    return {value.tag: value for value in event.summary.value}


def test_a_histogram() -> None:
    found = values_of(np.array([1, 2, 2, 4], np.int8), 3)
    assert list(found) == ["w"]
    histogram = found["w"].histo
    assert (histogram.min, histogram.max, histogram.num) == (1, 4, 4)
    assert (histogram.sum, histogram.sum_squares) == (9, 25)
    assert list(histogram.bucket) == [0, 1, 2, 1]
    assert list(histogram.bucket_limit) == [1, 2, 3, 4]


def test_empty_bins_at_the_ends_are_left_out_but_one() -> None:
    histogram = values_of([2.5, 4.5], source(np.arange(10.0)))["w"].histo
    assert list(histogram.bucket) == [0, 1, 0, 1]
    assert list(histogram.bucket_limit) == [2, 3, 4, 5]


def test_what_is_not_finite_is_counted_beside_it() -> None:
    found = values_of([1.0, math.nan, math.inf, -math.inf, math.inf, 3.0])
    assert found["w"].histo.num == sum(found["w"].histo.bucket) == 2
    assert (found["w"].histo.min, found["w"].histo.max, found["w"].histo.sum) == (1, 3, 4)
    assert {tag: value.simple_value for tag, value in found.items() if tag != "w"} == {
        "w/nan": 1,
        "w/inf": 3,
    }
    assert list(values_of([1.0, math.nan])) == ["w", "w/nan"]
    assert list(values_of([1.0, math.inf])) == ["w", "w/inf"]


@pytest.mark.parametrize("bins", ["tensorflow", "auto", 5, source(np.array([5.0, 6.0, 7.0]))])
def test_nothing_in_any_bin_is_an_empty_histogram(bins: Any) -> None:
    """It is there, and TensorBoard can show it."""
    found = values_of([math.nan, math.nan], bins)
    assert found["w"].HasField("histo")
    assert (found["w"].histo.num, list(found["w"].histo.bucket)) == (0, [])
    ((_, data),) = encode(record_of(Kind.HISTOGRAM, "w", source([math.nan]), bins, None))
    shown = data_compat.migrate_event(Event.FromString(data)).summary.value[0]
    assert tensor_util.make_ndarray(shown.tensor).shape == (0, 3)


def test_a_few_numbers_may_take_long() -> None:
    record = record_of(Kind.HISTOGRAM, "w", source([1.0, 2.0]), "stone", None)
    assert is_slow(record, 50)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((), "3 fields of its own"),
        ((source([1.0]), "auto"), "3 fields of its own"),
        (([1.0], "auto", None), "must be an array, not list"),
        ((source([1j]), "auto", None), "real numbers, not complex128"),
        ((source(np.zeros((2, 0))), "auto", None), r"has the shape \(2, 0\)"),
        ((Anything("int8", (0, 1 << 28, 1 << 28, 1 << 28), b"x"), "auto", None), "has the shape"),
        ((source([1.0]), "magic", None), "by the name 'magic'"),
        ((source([1.0]), "auto", 0), "positive integer or nil, not 0"),
        ((source([1.0]), "auto", 2.0), "positive integer or nil, not 2.0"),
        ((source([1.0]), "auto", True), "positive integer or nil, not True"),
    ],
)
def test_what_is_refused(fields: tuple[Any, ...], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        encode(record_of(Kind.HISTOGRAM, "w", *fields))
