"""``add_embedding``: the record of a call, and the mistakes that raise at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tbxd_client import SummaryWriter
from tbxd_wire.kinds import Kind
from tests.client.leftovers import Logged

MATRIX = np.arange(6, dtype=np.float32).reshape(3, 2)


def test_the_record_of_all_arguments(writer: SummaryWriter, logged: Logged) -> None:
    pictures = np.zeros((3, 1, 2, 4), np.uint8)
    writer.add_embedding(
        MATRIX[::-1], [["a", 1], ["b", None], [Path("c"), 2.5]], pictures, 7, "x/y", ["w", 2]
    )
    ((kind, tag, step, wall_time, points, rows, header, sprite),) = logged()
    assert (kind, tag, step) == (Kind.EMBEDDING, "x/y", 7)
    assert wall_time > 1.7e9
    assert (points.dtype, points.shape) == ("float32", (3, 2))
    assert bytes(points.data) == MATRIX[::-1].tobytes()
    assert rows == [["a", "1"], ["b", "None"], ["c", "2.5"]]
    assert header == ["w", "2"]
    assert (sprite.dtype, sprite.shape) == ("uint8", (3, 1, 2, 4))


def test_the_record_of_points_alone(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_embedding(MATRIX, metadata_header=["names nothing"])
    ((_, tag, step, _, points, *rest),) = logged()
    assert (tag, step, points.shape) == ("default", None, (3, 2))
    assert rest == [None, None, None]


def test_bulk_data_travels_as_it_is(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_embedding(torch.ones(2, 3, dtype=torch.bfloat16), label_img=torch.ones(2, 3, 1, 1))
    ((*_, points, _, _, pictures),) = logged()
    assert points.dtype == "bfloat16"
    assert pictures.dtype == "float32"


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (["a", 1, None], ["a", "1", "None"]),
        (np.array([0.1, 2, 3], np.float32), ["0.1", "2.0", "3.0"]),
        (torch.arange(3), ["0", "1", "2"]),
        ([torch.tensor(5), torch.tensor([6]), torch.tensor(True)], ["5", "tensor([6])", "True"]),
        ("abc", ["a", "b", "c"]),
    ],
)
def test_labels_are_what_str_makes_of_them(
    writer: SummaryWriter, logged: Logged, metadata: Any, expected: list[str]
) -> None:
    writer.add_embedding(MATRIX, metadata)
    ((*_, rows, header, _),) = logged()
    assert header is None
    assert rows == [[label] for label in expected]


def test_a_step_of_use_metadata_holds(writer: SummaryWriter, logged: Logged) -> None:
    with writer.use_metadata(global_step=4, walltime=2.5):
        writer.add_embedding(MATRIX)
    ((_, _, step, wall_time, *_),) = logged()
    assert (step, wall_time) == (4, 2.5)


def pictures(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return zeros that take no memory."""
    return np.broadcast_to(np.float32(0), shape)


MISTAKES: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "vector": ({"mat": MATRIX[0]}, AssertionError),
    "no points": ({"mat": MATRIX[:0]}, AssertionError),
    "no dimensions": ({"mat": MATRIX[:, :0]}, AssertionError),
    "complex": ({"mat": MATRIX + 1j}, TypeError),
    "words": ({"mat": np.array([["a"]])}, TypeError),
    "None": ({"mat": None}, NotImplementedError),
    "ragged": ({"mat": [[1.0], [1.0, 2.0]]}, ValueError),
    "few labels": ({"metadata": ["a", "b"]}, AssertionError),
    "labels without a length": ({"metadata": 3}, TypeError),
    "labels of surrogates": ({"metadata": ["\ud800", "a", "b"]}, ValueError),
    "short row": ({"metadata": [[1, 2], [1, 2], [1]], "metadata_header": "ab"}, AssertionError),
    "no row": ({"metadata": [1, 2, 3], "metadata_header": ["a"]}, TypeError),
    "few pictures": ({"label_img": pictures(2, 3, 4, 4)}, AssertionError),
    "one picture for all": ({"label_img": pictures(3, 4, 4)}, AssertionError),
    "two channels": ({"label_img": pictures(3, 2, 4, 4)}, AssertionError),
    "pictures of no height": ({"label_img": pictures(3, 3, 0, 4)}, AssertionError),
    "wide pictures": ({"label_img": pictures(3, 3, 1, 4097)}, AssertionError),
    "high pictures": ({"label_img": pictures(3, 3, 4097, 1)}, AssertionError),
    "complex pictures": ({"label_img": np.zeros((3, 1, 1, 1), complex)}, TypeError),
    "pictures that are none": ({"label_img": object()}, NotImplementedError),
    "step": ({"global_step": "one"}, ValueError),
    "tag": ({"tag": None}, TypeError),
    "long tag": ({"tag": "/" * 86}, ValueError),
    "tag of surrogates": ({"tag": "\ud800"}, ValueError),
}


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.parametrize("write_to_disk", [True, False])
def test_a_mistake_is_raised_and_nothing_is_logged(
    run: str, logged: Logged, name: str, write_to_disk: bool
) -> None:
    arguments, error = MISTAKES[name]
    writer = SummaryWriter(run, write_to_disk=write_to_disk)
    with pytest.raises(error):
        writer.add_embedding(**{"mat": MATRIX, **arguments})
    assert logged() == []


def test_the_largest_sprite_is_allowed(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_embedding(MATRIX, label_img=pictures(3, 1, 1, 4096))
    writer.add_embedding(MATRIX[:1], label_img=pictures(1, 1, 8192, 1), tag="/" * 85)
    assert len(logged()) == 2


def test_a_writer_that_writes_nothing(run: str, logged: Logged) -> None:
    SummaryWriter(run, write_to_disk=False).add_embedding(MATRIX, ["a", "b", "c"])
    assert logged() == []
    assert not os.path.exists(run)
