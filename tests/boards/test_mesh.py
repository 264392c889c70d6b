"""Meshes and surfaces in a real TensorBoard's mesh viewer."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.board import Board

from .training import COLORS, FACES, HEIGHTS, MESH_CONFIG, VERTICES

Array = np.ndarray[Any, np.dtype[Any]]

VERTEX, FACE, COLOR = 1, 2, 3
DTYPES = {"VERTEX": "<f4", "FACE": "<i4", "COLOR": "u1"}


def data(board: Board, tag: str, part: str, step: int, sample: int = 0) -> Array:
    """Return what the viewer gets to draw: (number, 3)."""
    query = {"run": "shapes", "tag": tag, "content_type": part}
    content = board.read("plugin/mesh/data", **query, step=str(step), sample=str(sample))
    assert content is not None
    return np.frombuffer(content, DTYPES[part]).reshape(-1, 3)


def test_every_mesh_is_there_once(board: Board) -> None:
    assert board.get("plugin/mesh/tags")["shapes"] == {
        "ball": {"samples": 2},
        "cloud": {"samples": 2},
        "hill": {"samples": 1},
    }


@pytest.mark.parametrize(
    ("tag", "parts"),
    [
        ("ball", {VERTEX: [2, 4, 3], FACE: [2, 2, 3], COLOR: [2, 4, 3]}),
        ("cloud", {VERTEX: [2, 4, 3]}),
        ("hill", {VERTEX: [1, 400, 3], FACE: [1, 722, 3], COLOR: [1, 400, 3]}),
    ],
)
def test_the_viewer_is_told_which_parts_there_are(
    board: Board, tag: str, parts: dict[int, list[int]]
) -> None:
    found = board.get("plugin/mesh/meshes", run="shapes", tag=tag)
    for step in (1, 2):
        of_step = [each for each in found if each["step"] == step]
        assert {each["content_type"]: each["data_shape"] for each in of_step} == parts
        assert len(of_step) == len(parts)
    assert {each["components"] for each in found} == {sum(1 << part for part in parts)}


def test_the_configuration_is_json(board: Board) -> None:
    for tag, expected in (("ball", MESH_CONFIG), ("cloud", {})):
        for each in board.get("plugin/mesh/meshes", run="shapes", tag=tag):
            assert json.loads(each["config"]) == expected


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("sample", [0, 1])
def test_the_viewer_gets_what_was_logged(board: Board, step: int, sample: int) -> None:
    np.testing.assert_array_equal(
        data(board, "ball", "VERTEX", step, sample), VERTICES[sample] * step
    )
    np.testing.assert_array_equal(data(board, "ball", "FACE", step, sample), FACES[sample])
    np.testing.assert_array_equal(data(board, "ball", "COLOR", step, sample), COLORS[sample])
    np.testing.assert_array_equal(data(board, "cloud", "VERTEX", step, sample), VERTICES[sample])


def test_a_surface_is_a_coloured_mesh(board: Board) -> None:
    vertices = data(board, "hill", "VERTEX", 2)
    faces = data(board, "hill", "FACE", 2)
    colors = data(board, "hill", "COLOR", 2)
    assert len(vertices) == len(colors) == HEIGHTS.size
    heights = vertices[:, 1].reshape(HEIGHTS.shape)
    assert np.corrcoef(heights.ravel(), HEIGHTS.ravel())[0, 1] > 0.999999
    assert np.unique(faces).size == HEIGHTS.size
    assert colors[heights.argmax()].tolist() == [244, 238, 72]
    assert colors[heights.argmin()].tolist() == [49, 23, 84]
