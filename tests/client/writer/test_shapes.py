"""What add_mesh and add_surface put into the journal, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tbxd_client import SummaryWriter
from tbxd_wire.kinds import Kind
from tests.client.leftovers import Logged

VERTICES = np.zeros((2, 4, 3), np.float32)
COLORS = np.zeros((2, 4, 3), np.uint8)
FACES = np.zeros((2, 5, 3), np.int32)


def described(record: Any) -> list[Any]:
    """Return the fields of a record with each array's dtype and shape for itself."""
    return [(each.dtype, each.shape) if hasattr(each, "shape") else each for each in record]


def test_a_mesh(writer: SummaryWriter, logged: Logged) -> None:
    config = {"material": {"size": 1}, "camera": {}}
    writer.add_mesh("ball", torch.tensor(VERTICES), COLORS, FACES, config, 3, 4.0)
    assert [described(record) for record in logged()] == [
        [
            *(Kind.MESH, "ball", 3, 4.0),
            ("float32", (2, 4, 3)),
            ("uint8", (2, 4, 3)),
            ("int32", (2, 5, 3)),
            '{"camera": {}, "material": {"size": 1}}',
        ]
    ]


def test_points_alone(writer: SummaryWriter, logged: Logged) -> None:
    writer.add_mesh("cloud", [[[0.0, 0.5, 1.0]]])
    ((_, _, step, _, *fields),) = map(described, logged())
    assert step is None
    assert fields == [("float64", (1, 1, 3)), None, None, "{}"]


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.zeros(3), np.zeros(2)),
        (np.zeros((2, 3)), np.zeros((2, 3))),
        ([0, 1, 2], torch.zeros(2, 3)),
    ],
)
def test_a_surface(writer: SummaryWriter, logged: Logged, x: Any, y: Any) -> None:
    writer.add_surface("hill", x, y, torch.zeros(2, 3), 3, 4.0)
    ((kind, tag, step, wall_time, *fields),) = map(described, logged())
    assert (kind, tag, step, wall_time) == (Kind.SURFACE, "hill", 3, 4.0)
    assert [shape for _, shape in fields] == [np.shape(x), np.shape(y), (2, 3)]


def mesh(*arrays: Any, **options: Any) -> Callable[[SummaryWriter], None]:
    return lambda writer: writer.add_mesh("tag", *arrays, **options)


def surface(*arrays: Any) -> Callable[[SummaryWriter], None]:
    return lambda writer: writer.add_surface("tag", *arrays)


BAD_CALLS: dict[str, tuple[Callable[[SummaryWriter], None], type[Exception], str]] = {
    "no vertices": (mesh(None), NotImplementedError, "vertices"),
    "vertices of text": (mesh("x"), TypeError, "vertices"),
    "vertices in a tuple": (mesh(((0.0,),)), NotImplementedError, "vertices"),
    "two dimensions": (mesh(VERTICES[0]), ValueError, r"not \(4, 3\)"),
    "pairs": (mesh(VERTICES[..., :2]), ValueError, r"not \(2, 4, 2\)"),
    "complex": (mesh(VERTICES.astype(complex)), TypeError, "vertices must be real"),
    "fewer colors": (mesh(VERTICES, COLORS[:, :3]), ValueError, "colors must have the shape"),
    "colors of two dimensions": (mesh(VERTICES, COLORS[0]), ValueError, "colors must have"),
    "faces of fewer meshes": (mesh(VERTICES, None, FACES[:1]), ValueError, "faces must be"),
    "faces of four": (mesh(VERTICES, None, np.zeros((2, 1, 4))), ValueError, "faces must have"),
    "no JSON": (mesh(VERTICES, config_dict={"a": object()}), TypeError, "JSON"),
    "not finite": (mesh(VERTICES, config_dict={"a": np.inf}), ValueError, "JSON"),
    "step": (mesh(VERTICES, global_step="one"), ValueError, "global_step"),
    "no heights": (surface([0], [0], None), NotImplementedError, "z must be"),
    "heights in a line": (surface([0, 1], [0, 1], [0, 1]), ValueError, "z must have the shape"),
    "one row": (surface([0, 1], [0], [[0, 1]]), ValueError, r"at least \(2, 2\), not \(1, 2\)"),
    "x of rows": (surface([0, 1], [0, 1], np.zeros((2, 3))), ValueError, r"x must .* \(3,\)"),
    "y of columns": (
        surface([0] * 3, [0] * 3, np.zeros((2, 3))),
        ValueError,
        r"y must .* \(2,\)",
    ),
    "complex heights": (surface([0, 1], [0, 1], np.zeros((2, 2), "c8")), TypeError, "z must be"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_a_mistake_is_raised_and_nothing_is_logged(
    writer: SummaryWriter, logged: Logged, name: str
) -> None:
    call, error, message = BAD_CALLS[name]
    with pytest.raises(error, match=message):
        call(writer)
    assert logged() == []
