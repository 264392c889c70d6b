from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.pr_curve import metadata
from tensorboard.util.tensor_util import make_ndarray

from tbxd.encode import encode
from tbxd.encode.chunks import CHUNK_ELEMENTS
from tbxd_client.arrays import source
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import Anything, record_of

NDArray = np.ndarray[Any, np.dtype[Any]]


def curve_of(labels: Any, predictions: Any, thresholds: int, weights: Any = None) -> NDArray:
    """Return the rows as the plugin reads them."""
    weight = None if weights is None else source(weights)
    fields = (source(labels), source(predictions), thresholds, weight)
    ((place, data),) = encode(record_of(Kind.PR_CURVE, "pr", *fields))
    assert place == ""
    (value,) = Event.FromString(data).summary.value
    assert (value.tag, value.metadata.plugin_data.plugin_name) == ("pr", "pr_curves")
    content = metadata.parse_plugin_metadata(value.metadata.plugin_data.content)
    assert (content.version, content.num_thresholds) == (0, thresholds)
    rows: NDArray = make_ndarray(value.tensor)
    assert rows.dtype == np.float32
    return rows


def by_definition(labels: NDArray, predictions: NDArray, thresholds: int) -> NDArray:
    """Return the first four rows, counted threshold by threshold."""
    rows = []
    for threshold in np.arange(thresholds) / (thresholds - 1):
        positive = predictions >= threshold
        rows.append(
            [
                (positive & labels).sum(),
                (positive & ~labels).sum(),
                (~positive & ~labels).sum(),
                (~positive & labels).sum(),
            ]
        )
    return np.array(rows).T


def test_counts_are_those_of_the_definition() -> None:
    random = np.random.default_rng(7)
    labels = random.uniform(size=5000) > 0.3
    # Of sixteenths and seventeen thresholds, so that nothing is rounded.
    predictions = random.integers(0, 17, 5000) / 16
    rows = curve_of(labels, predictions, 17)
    np.testing.assert_array_equal(rows[:4], by_definition(labels, predictions, 17))
    np.testing.assert_allclose(rows[4], rows[0] / np.maximum(rows[0] + rows[1], 1e-7), rtol=1e-6)
    np.testing.assert_allclose(rows[5], rows[0] / labels.sum(), rtol=1e-6)


def test_chunks_are_one_array() -> None:
    size = CHUNK_ELEMENTS + 5
    labels = np.arange(size) % 3 == 0
    predictions = (np.arange(size) % 5 / 4).astype(np.float32)
    rows = curve_of(labels, predictions, 5, np.ones(size, np.int8))
    np.testing.assert_array_equal(rows[:4], by_definition(labels, predictions, 5))


@pytest.mark.parametrize(
    ("weights", "expected"), [(None, 2), (3, 6), ([0.5], 1), (0, 0), ([0.5, 0.25, 9], 0.75)]
)
def test_weights(weights: Any, expected: float) -> None:
    rows = curve_of([1, 1, 0], [0.5, 0.6, 0.7], 2, weights)
    assert rows[0, 0] == expected


@pytest.mark.parametrize("prediction", [-0.25, 1.5, math.nan, math.inf, -math.inf, 1e300])
def test_what_is_no_probability_counts_for_nothing(prediction: float) -> None:
    rows = curve_of([1, 1, 0], [0.5, prediction, prediction], 3)
    assert rows[:4].tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
def test_predictions_that_are_integers(dtype: Any) -> None:
    rows = curve_of([1, 0], np.array([1, 0], dtype), 127)
    assert rows[:2, 0].tolist() == [1, 1]
    assert rows[:2, -1].tolist() == [1, 0]


def test_nothing_is_a_curve_of_zeros() -> None:
    assert not curve_of(np.zeros(0), np.zeros(0), 4).any()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((source([1.0]), source([1.0]), 5), "4 fields of its own"),
        (([1.0], source([1.0]), 5, None), "labels must be an array"),
        ((source([1.0]), source([1j]), 5, None), "predictions must be real"),
        ((source([1.0]), source([[1.0]]), 5, None), r"shape \(1,\), predictions of \(1, 1\)"),
        ((source([1.0]), source([1.0]), 0, None), "1 to 127 thresholds, not 0"),
        ((source([1.0]), source([1.0]), 128, None), "1 to 127 thresholds, not 128"),
        ((source([1.0]), source([1.0]), True, None), "1 to 127 thresholds, not True"),
        ((source([1.0]), source([1.0]), 5.0, None), "1 to 127 thresholds, not 5.0"),
        ((source([1.0]), source([1.0]), 5, 1.0), "weights must be an array"),
        ((source([1.0]), source([1.0]), 5, source([1.0, 2.0])), r"weights .* not \(2,\)"),
        ((source([1.0] * 4), source([1.0] * 4), 5, source([[1.0] * 4])), r"not \(1, 4\)"),
    ],
)
def test_what_is_refused(fields: tuple[Any, ...], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        encode(record_of(Kind.PR_CURVE, "pr", *fields))


# -- counted already


def test_a_curve_that_has_been_counted() -> None:
    rows = np.arange(18.0).reshape(6, 3)
    ((_, data),) = encode(record_of(Kind.PR_CURVE_RAW, "pr", source(rows)))
    (value,) = Event.FromString(data).summary.value
    np.testing.assert_array_equal(make_ndarray(value.tensor), rows)
    content = metadata.parse_plugin_metadata(value.metadata.plugin_data.content)
    assert content.num_thresholds == 3


@pytest.mark.parametrize(
    "field",
    [
        1.0,
        source(np.zeros(6)),
        source(np.zeros((5, 3))),
        source(np.zeros((6, 0))),
        source(np.zeros((6, 1, 1))),
        source(np.zeros((6, 1), complex)),
        Anything("int8", (6, 0, 1 << 28, 1 << 28, 1 << 28), b"x"),
    ],
)
def test_what_is_no_curve(field: Any) -> None:
    with pytest.raises(RecordError, match=r"a PR curve (must be|has the shape)"):
        encode(record_of(Kind.PR_CURVE_RAW, "pr", field))
