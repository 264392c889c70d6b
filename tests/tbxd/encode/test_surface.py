from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies

from tbxd.encode import encode, surface
from tbxd.proto.event_pb2 import Event
from tbxd.proto.plugins_pb2 import MeshPluginData
from tbxd_client.arrays import source
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import record_of

Array = np.ndarray[Any, np.dtype[Any]]

X = np.array([0.0, 1.0, 3.0])
Y = np.array([10.0, 20.0])
Z = np.array([[0.0, 1.0, 2.0], [4.0, 3.0, 2.0]])


def mesh_of(x: Any, y: Any, z: Any) -> tuple[Array, Array, Array]:
    """Return vertices (points, 3), faces (triangles, 3) and colours (points, 3)."""
    record = record_of(Kind.SURFACE, "hill", source(x), source(y), source(z))
    ((_, data),) = encode(record)
    found = []
    for value in Event.FromString(data).summary.value:
        content = MeshPluginData.FromString(value.metadata.plugin_data.content)
        dtype = {1: "<f4", 2: "<i4", 3: "u1"}[content.content_type]
        assert content.components == 14
        assert json.loads(content.json_config)["material"]["side"] == 2
        array = np.frombuffer(value.tensor.tensor_content, dtype)
        found.append(array.reshape(tuple(content.shape))[0])
    vertices, faces, colors = found
    return vertices, faces, colors


def test_each_axis_is_scaled_to_its_own_range() -> None:
    vertices, _, _ = mesh_of(X, Y, Z)
    across, height, toward = vertices.T.reshape(3, 2, 3)
    np.testing.assert_allclose(across, [[-1, -1 / 3, 1]] * 2, rtol=1e-6)
    np.testing.assert_allclose(toward, [[1] * 3, [-1] * 3])
    np.testing.assert_allclose(height, (Z - 2) / 4)


def test_the_faces_cover_the_grid_and_look_up() -> None:
    vertices, faces, _ = mesh_of(X, Y, Z)
    assert len(faces) == 2 * 1 * 2
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    # Seen from above, the triangles have the area of the grid, none of them twice.
    assert (normals[:, 1] > 0).all()
    np.testing.assert_allclose(normals[:, 1].sum() / 2, 2 * 2)


def test_heights_are_coloured_from_purple_to_yellow() -> None:
    _, _, colors = mesh_of(X, Y, Z)
    shades = colors.reshape(2, 3, 3)
    assert shades[0, 0].tolist() == [49, 23, 84]
    assert shades[1, 0].tolist() == [244, 238, 72]
    assert shades[0, 2].tolist() == shades[1, 2].tolist() == [52, 140, 147]


def test_axes_may_be_given_for_every_point() -> None:
    across, along = np.meshgrid(X, Y)
    for left, right in zip(mesh_of(X, Y, Z), mesh_of(across, along, Z), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("place", ["x", "y", "z"])
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_what_is_not_finite_is_a_hole(place: str, number: float) -> None:
    axes: dict[str, Array] = {
        "x": np.tile(np.arange(4.0), (3, 1)),
        "y": np.tile(np.arange(3.0)[:, np.newaxis], (1, 4)),
        "z": np.arange(12.0).reshape(3, 4),
    }
    axes[place][1, 1] = number
    vertices, faces, _ = mesh_of(**axes)
    assert np.isfinite(vertices).all()
    assert vertices.min() == -1
    assert vertices.max() == 1
    # As many as without a hole; of those at it nothing is left.
    assert len(faces) == 12
    there = faces[(faces != 0).any(axis=1)]
    assert len(there) == 6
    assert 5 not in there


@pytest.mark.parametrize("number", [np.nan, np.inf, 7.0])
def test_a_surface_without_any_heights_is_flat(number: float) -> None:
    vertices, _, _ = mesh_of(X, Y, np.full((2, 3), number))
    assert (vertices[:, 1] == 0).all()


def test_the_largest_numbers_are_scaled_too() -> None:
    largest = np.finfo(np.float64).max
    vertices, _, _ = mesh_of(X, Y, np.array([[-largest, 0, largest]] * 2))
    np.testing.assert_allclose(vertices[:3, 1], [-0.5, 0, 0.5])


def test_a_fine_grid_is_thinned_with_its_edges() -> None:
    rows, columns = 3, 1000
    z = np.tile(np.arange(columns), (rows, 1))
    vertices, faces, _ = mesh_of(np.arange(columns), np.arange(rows), z)
    assert len(vertices) == rows * surface.LINES
    assert faces.max() == len(vertices) - 1
    across = vertices[: surface.LINES, 0]
    assert (across[0], across[-1]) == (-1, 1)
    assert (np.diff(across) > 0).all()
    assert np.iinfo(np.uint16).max == surface.LINES**2 - 1


@given(
    numpy_strategies.arrays(
        st.sampled_from(["f4", "f8", "i8", "u1", "?"]),
        st.tuples(st.integers(0, 5), st.integers(0, 5)),
    )
)
def test_any_heights_make_a_mesh(z: Array) -> None:
    rows, columns = z.shape
    vertices, faces, colors = mesh_of(np.arange(columns), np.arange(rows), z)
    assert len(vertices) == len(colors) == z.size
    assert len(faces) == 2 * max(rows - 1, 0) * max(columns - 1, 0)
    assert np.isfinite(vertices).all()
    assert (abs(vertices) <= 1).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((), "has x, y and z, this record 0 fields"),
        ((X, Y, None), "z must be an array, not NoneType"),
        ((X, Y, X), r"z must have the shape \(rows, columns\), not \(3,\)"),
        ((Y, Y, Z), r"x must have the shape \(3,\) or \(2, 3\), not \(2,\)"),
        ((X, X, Z), r"y must have the shape \(2,\) or \(2, 3\), not \(3,\)"),
        ((X, Y, Z.astype(complex)), "z must be real numbers, not complex128"),
        ((X.astype("c8"), Y, Z), "x must be real numbers, not complex64"),
        ((1.0, Y, Z), "x must be an array, not float"),
    ],
)
def test_refusals(fields: tuple[Any, ...], message: str) -> None:
    given = [source(each) if isinstance(each, np.ndarray) else each for each in fields]
    with pytest.raises(RecordError, match=message):
        encode(record_of(Kind.SURFACE, "hill", *given))
