"""Histograms, PR curves and tensors: the record of a call, and the mistakes that raise at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tbxd_client import SummaryWriter
from tbxd_wire.arrays import Array
from tbxd_wire.distributions import BINS_MAX, RULES
from tbxd_wire.kinds import Kind
from tests.client.leftovers import Logged

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)


def numbers(array: Array) -> list[float]:
    """Return the elements of an array of float64."""
    assert array.dtype == "float64"
    return [float(number) for number in array.data.cast("B").cast("d")]


def test_the_record_of_a_histogram(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_histogram("w", VALUES.T, 7, walltime=2.5)
    ((kind, tag, step, wall_time, values, bins, max_bins),) = logged()
    assert (kind, tag, step, wall_time) == (Kind.HISTOGRAM, "w", 7, 2.5)
    assert (values.dtype, values.shape) == ("float32", (3, 2))
    assert bytes(values.data) == VALUES.T.tobytes()
    assert (bins, max_bins) == ("tensorflow", None)


def test_a_step_of_use_metadata_holds(writer: SummaryWriter, logged: Logged) -> None:
    with writer.use_metadata(global_step=4, walltime=2.5):
        writer.add_histogram("w", VALUES)
        writer.add_pr_curve("w", [1], [0.5])
        writer.add_tensor("w", VALUES)
    assert [record[1:4] for record in logged()] == [["w", 4, 2.5]] * 3


@pytest.mark.parametrize(
    ("bins", "expected"),
    [
        *((rule, rule) for rule in RULES),
        ("".join(["tensor", "flow"]), "tensorflow"),
        (np.str_("fd"), "fd"),
        (1, 1),
        (BINS_MAX, BINS_MAX),
        (np.int16(5), 5),
        (np.array(5), 5),
        (torch.tensor(5), 5),
        (True, 1),
    ],
)
def test_bins(writer: SummaryWriter, logged: Logged, bins: Any, expected: Any) -> None:
    nine: Any = np.int64(9)
    writer.add_histogram("w", VALUES, bins=bins, max_bins=nine)
    ((*_, found, max_bins),) = logged()
    assert (type(found), found, max_bins) == (type(expected), expected, 9)


@pytest.mark.parametrize(
    "edges",
    [
        [1, 2, 2, 5],
        (1, 2, 2, 5),
        np.array([1, 2, 2, 5], np.int8),
        torch.tensor([1, 2, 2, 5], dtype=torch.bfloat16),
    ],
)
def test_edges(writer: SummaryWriter, logged: Logged, edges: Any) -> None:
    writer.add_histogram("w", VALUES, bins=edges)
    ((*_, found, _),) = logged()
    assert numbers(found) == [1, 2, 2, 5]


def test_max_bins_that_no_record_holds(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_histogram("w", VALUES, max_bins=1 << 70)
    assert len(logged()) == 1


def test_the_record_of_a_raw_histogram(writer: SummaryWriter, logged: Logged) -> None:
    given = (0, torch.tensor(9.5), np.int64(3), 12.5, np.float32(0.5))
    writer.add_histogram_raw("w", *given, (1, 2), torch.tensor([3, 4]), 7, 2.5)
    ((*common, limits, counts),) = logged()
    assert common == [Kind.HISTOGRAM_RAW, "w", 7, 2.5, 0.0, 9.5, 3.0, 12.5, 0.5]
    assert all(type(number) is float for number in common[4:])
    assert (numbers(limits), numbers(counts)) == ([1, 2], [3, 4])


def test_the_record_of_a_pr_curve(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_pr_curve("pr", VALUES > 2, torch.ones(2, 3).half(), 7, 500, walltime=2.5)
    ((*common, labels, predictions, thresholds, weights),) = logged()
    assert common == [Kind.PR_CURVE, "pr", 7, 2.5]
    assert (labels.dtype, labels.shape) == ("bool", (2, 3))
    assert (predictions.dtype, predictions.shape) == ("float16", (2, 3))
    assert (thresholds, weights) == (127, None)


@pytest.mark.parametrize(
    ("weights", "shape"),
    [
        (2, ()),
        (np.float32(2), ()),
        ([2.0], (2, 3)),
        (np.ones(3), (2, 3)),
        (torch.ones(2, 1).bfloat16(), (2, 3)),
        (VALUES, (2, 3)),
        (VALUES.astype(np.float16), (2, 3)),
    ],
)
def test_weights(
    writer: SummaryWriter, logged: Logged, weights: Any, shape: tuple[int, ...]
) -> None:
    writer.add_pr_curve("pr", VALUES, VALUES, weights=weights)
    ((*_, found),) = logged()
    assert found.shape == shape


def test_the_record_of_a_raw_pr_curve(writer: SummaryWriter, logged: Logged) -> None:
    rows: list[Any] = [(1, 2), [3, 4], np.array([5, 6]), torch.tensor([7, 8]), range(9, 11)]
    arguments: Any = (*rows, [0.5, 1], 7, 2, None, 2.5)
    writer.add_pr_curve_raw("pr", *arguments)
    ((*common, curve),) = logged()
    assert common == [Kind.PR_CURVE_RAW, "pr", 7, 2.5]
    assert curve.shape == (6, 2)
    assert numbers(curve) == [*range(1, 11), 0.5, 1]


@pytest.mark.parametrize(
    ("value", "dtype", "shape"),
    [
        (torch.ones(2, 1, dtype=torch.bfloat16), "bfloat16", (2, 1)),
        (torch.ones(3, dtype=torch.complex64).conj(), "complex64", (3,)),
        (torch.zeros(0), "float32", (0,)),
        (VALUES, "float32", (2, 3)),
        ([[1, 2]], "int64", (1, 2)),
        (1.5, "float64", ()),
    ],
)
def test_the_record_of_a_tensor(
    writer: SummaryWriter, logged: Logged, value: Any, dtype: str, shape: tuple[int, ...]
) -> None:
    writer.add_tensor("t", value, 7, 2.5)
    ((*common, array),) = logged()
    assert common == [Kind.TENSOR, "t", 7, 2.5]
    assert (array.dtype, array.shape) == (dtype, shape)


Call = Callable[[SummaryWriter], None]


def histogram(values: Any = VALUES, **options: Any) -> Call:
    return lambda writer: writer.add_histogram("w", values, **options)


def raw(limits: Any, counts: Any, *given: Any) -> Call:
    arguments: tuple[Any, ...] = (*(given or [0] * 5), limits, counts)
    return lambda writer: writer.add_histogram_raw("w", *arguments)


def pr_curve(labels: Any = VALUES, predictions: Any = VALUES, **options: Any) -> Call:
    return lambda writer: writer.add_pr_curve("pr", labels, predictions, **options)


def pr_curve_raw(*rows: Any) -> Call:
    return lambda writer: writer.add_pr_curve_raw("pr", *rows)


ROW = [1.0, 2.0]
MISTAKES: dict[str, tuple[Call, type[Exception]]] = {
    "nothing": (histogram([]), ValueError),
    "empty": (histogram(torch.zeros(2, 0)), ValueError),
    "None": (histogram(None), NotImplementedError),
    "tuple": (histogram((1.0, 2.0)), NotImplementedError),
    "text": (histogram("text"), TypeError),
    "complex": (histogram(VALUES + 1j), TypeError),
    "meta": (histogram(torch.ones(2, device="meta")), NotImplementedError),
    "unknown bins": (histogram(bins="AUTO"), ValueError),
    "bins of None": (histogram(bins=None), TypeError),
    "bins of a float": (histogram(bins=5.0), TypeError),
    "bins of a mapping": (histogram(bins={1: 2}), TypeError),
    "no bins": (histogram(bins=0), ValueError),
    "too many bins": (histogram(bins=BINS_MAX + 1), ValueError),
    "no edges": (histogram(bins=[]), ValueError),
    "one edge": (histogram(bins=np.ones(1)), ValueError),
    "edges of words": (histogram(bins=["a", "b"]), TypeError),
    "complex edges": (histogram(bins=[1j, 2j]), TypeError),
    "falling edges": (histogram(bins=[1, 2, 1]), ValueError),
    "edges of NaN": (histogram(bins=[1, math.nan]), ValueError),
    "table of edges": (histogram(bins=VALUES), ValueError),
    "max_bins of none": (histogram(max_bins=0), ValueError),
    "max_bins of a float": (histogram(max_bins=1.5), TypeError),
    "step": (histogram(global_step="one"), ValueError),
    "time": (histogram(walltime=math.nan), ValueError),
    "tag": (lambda writer: writer.add_histogram(1, VALUES), TypeError),  # type: ignore[arg-type]
    "too few counts": (raw([1, 2], [1]), ValueError),
    "table of counts": (raw([[1]], [[1]]), TypeError),
    "counts of words": (raw([1], ["a"]), TypeError),
    "complex counts": (raw([1], [1j]), TypeError),
    "a count": (raw(1, 1), TypeError),
    "counts of None": (raw(None, None), NotImplementedError),
    "min of two": (raw([1], [1], [1, 2], 0, 0, 0, 0), AssertionError),
    "sum of None": (raw([1], [1], 0, 0, 0, None, 0), NotImplementedError),
    "labels of another shape": (pr_curve(VALUES.T), ValueError),
    "labels of None": (pr_curve(None), NotImplementedError),
    "complex predictions": (pr_curve(predictions=VALUES + 1j), TypeError),
    "no thresholds": (pr_curve(num_thresholds=0), ValueError),
    "thresholds of None": (pr_curve(num_thresholds=None), TypeError),
    "thresholds of a float": (pr_curve(num_thresholds=2.0), TypeError),
    "too few weights": (pr_curve(weights=[1, 2]), ValueError),
    "too many weights": (pr_curve(weights=np.ones((4, 2, 3))), ValueError),
    "complex weights": (pr_curve(weights=1j), TypeError),
    "weights of text": (pr_curve(weights="1"), TypeError),
    "rows of several lengths": (pr_curve_raw(*[ROW] * 5, [1.0]), ValueError),
    "empty rows": (pr_curve_raw(*[[]] * 6), ValueError),
    "rows of numbers": (pr_curve_raw(*range(6)), TypeError),
    "rows of words": (pr_curve_raw(*[ROW] * 5, ["a", "b"]), TypeError),
    "row of None": (pr_curve_raw(*[ROW] * 5, None), NotImplementedError),
    "tensor of None": (lambda writer: writer.add_tensor("t", None), NotImplementedError),
    "tensor of words": (lambda writer: writer.add_tensor("t", ["a"]), TypeError),
    "sparse tensor": (lambda writer: writer.add_tensor("t", torch.eye(2).to_sparse()), TypeError),
}


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.parametrize("write_to_disk", [True, False])
def test_a_mistake_is_raised_and_nothing_is_logged(
    run: str, logged: Logged, name: str, write_to_disk: bool
) -> None:
    call, error = MISTAKES[name]
    writer = SummaryWriter(run, write_to_disk=write_to_disk)
    with pytest.raises(error) as caught:
        call(writer)
    assert type(caught.value) is error
    assert logged() == []


def test_a_writer_that_writes_nothing(run: str, logged: Logged) -> None:
    writer = SummaryWriter(run, write_to_disk=False)
    for call in (histogram(), raw(ROW, ROW), pr_curve(), pr_curve_raw(*[ROW] * 6)):
        call(writer)
    writer.add_tensor("t", VALUES)
    assert logged() == []
