"""Curves, heat maps and confusion matrices as records, and mistakes in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tbxd_client import SummaryWriter
from tbxd_wire import limits
from tbxd_wire.kinds import Kind
from tests.client.leftovers import Logged, read_all

from .test_pictures import array, described

pytestmark = pytest.mark.usefixtures("runtime_directory")

X = np.linspace(0, 1, 5)
LONG = np.zeros(limits.CURVE_POINTS + 1, np.uint8)
MATRIX = np.arange(4).reshape(2, 2)


def test_add_curve(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_curve("tag", X, X**2, "ROC", 3, 4.0)
    writer.add_curve("tag", torch.from_numpy(X), [1, 2, 3, 4, 5], global_step=3, walltime=4.0)
    assert described(logged()) == [
        [Kind.CURVE, "tag", 3, 4.0, array(X), array(X**2), "ROC"],
        [Kind.CURVE, "tag", 3, 4.0, array(X), array([1, 2, 3, 4, 5]), None],
    ]


def test_add_heatmap(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_heatmap("tag", MATRIX, 3, ["a", "b"], ("c", "d"), True, 4.0)
    writer.add_heatmap("tag", torch.ones(1, 3), 3, walltime=4.0)
    head = [Kind.HEATMAP, "tag", 3, 4.0]
    assert described(logged()) == [
        [*head, array(MATRIX), ["a", "b"], ["c", "d"], True, ["", ""]],
        [*head, array(np.ones((1, 3), np.float32)), None, None, False, ["", ""]],
    ]


def test_add_confusion_matrix(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_confusion_matrix("tag", MATRIX, ["no", "yes"], 3, 4.0)
    writer.add_confusion_matrix("tag", MATRIX.tolist(), global_step=3, walltime=4.0)
    head = [Kind.HEATMAP, "tag", 3, 4.0, array(MATRIX)]
    assert described(logged()) == [
        [*head, ["no", "yes"], ["no", "yes"], True, ["true", "predicted"]],
        [*head, None, None, True, ["true", "predicted"]],
    ]


BAD_CALLS: dict[str, tuple[Callable[[SummaryWriter], None], type[Exception]]] = {
    "tag": (lambda w: w.add_curve(1, X, X), TypeError),  # type: ignore[arg-type]
    "no x": (lambda w: w.add_curve("t", None, X), NotImplementedError),
    "two lengths": (lambda w: w.add_curve("t", X, X[1:]), ValueError),
    "two dimensions": (lambda w: w.add_curve("t", MATRIX, MATRIX), ValueError),
    "no points": (lambda w: w.add_curve("t", [], []), ValueError),
    "too many points": (
        lambda w: w.add_curve("t", LONG, LONG),
        ValueError,
    ),
    "complex x": (lambda w: w.add_curve("t", X * 1j, X), TypeError),
    "complex y": (lambda w: w.add_curve("t", X, X * 1j), TypeError),
    "label": (lambda w: w.add_curve("t", X, X, 3), TypeError),  # type: ignore[arg-type]
    "surrogates": (lambda w: w.add_curve("t", X, X, "\ud800"), ValueError),
    "step": (lambda w: w.add_curve("t", X, X, None, "one"), ValueError),
    "no matrix": (lambda w: w.add_heatmap("t", None), NotImplementedError),
    "a vector": (lambda w: w.add_heatmap("t", X), ValueError),
    "nothing": (lambda w: w.add_heatmap("t", np.zeros((0, 2))), ValueError),
    "complex": (lambda w: w.add_heatmap("t", MATRIX * 1j), TypeError),
    "row labels": (lambda w: w.add_heatmap("t", MATRIX, row_labels=["a"]), ValueError),
    "column labels": (lambda w: w.add_heatmap("t", MATRIX, column_labels=["a"]), ValueError),
    "labels of numbers": (
        lambda w: w.add_heatmap("t", MATRIX, row_labels=[1, 2]),  # type: ignore[list-item]
        TypeError,
    ),
    "one str": (lambda w: w.add_heatmap("t", MATRIX, row_labels="ab"), TypeError),
    "heat map and time": (lambda w: w.add_heatmap("t", MATRIX, walltime=float("inf")), ValueError),
    "not square": (lambda w: w.add_confusion_matrix("t", np.ones((2, 3))), ValueError),
    "classes": (lambda w: w.add_confusion_matrix("t", MATRIX, ["a", "b", "c"]), ValueError),
    "confusion of a vector": (lambda w: w.add_confusion_matrix("t", X), ValueError),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_a_mistake_is_raised_and_nothing_is_logged(
    name: str, writer: SummaryWriter, runtime_directory: str
) -> None:
    call, error = BAD_CALLS[name]
    with pytest.raises(error) as caught:
        call(writer)
    assert str(caught.value), "it says what was expected"
    assert read_all(runtime_directory) == []


def test_write_to_disk_checks_and_writes_nothing(tmp_path: Path, runtime_directory: str) -> None:
    writer = SummaryWriter(tmp_path / "run", write_to_disk=False)
    writer.add_curve("tag", X, X)
    writer.add_heatmap("tag", MATRIX)
    writer.add_confusion_matrix("tag", MATRIX)
    with pytest.raises(ValueError, match="square"):
        writer.add_confusion_matrix("tag", MATRIX[:1])
    assert read_all(runtime_directory) == []
