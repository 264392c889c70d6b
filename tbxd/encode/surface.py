"""SURFACE: heights over a grid become a coloured mesh of triangles.

TensorBoard's mesh viewer has no axes. So the surface is shown as a plot would be: each axis is
scaled to its own range, the heights upwards, coloured from the lowest (blue) to the highest
(yellow), lit from above and seen from the front. Where a number is not finite there is a hole.

The viewer keeps the numbers of points in 16 bits (TensorBoard 2.21). A finer grid is thinned out,
evenly and with its edges, to the most that it can show.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tbxd_wire.errors import RecordError
from tbxd_wire.records import COMMON_FIELDS, Record

from . import colours, mesh
from .arrays import NDArray, array_of, numpy_of
from .event import begin

LINES = 256
"""Most rows and most columns that are shown: their product is all that 16 bits can number."""

_FIELDS = 3
_HALF_WIDTH = 1.0
_HALF_HEIGHT = 0.5

CONFIGURATION = json.dumps(
    {
        "camera": {"cls": "PerspectiveCamera", "fov": 45, "position": [1.4, 1.9, 3.1]},
        "lights": [
            {"cls": "AmbientLight", "color": "#ffffff", "intensity": 0.75},
            {
                "cls": "DirectionalLight",
                "color": "#ffffff",
                "intensity": 0.75,
                "position": [1, 3, 2],
            },
        ],
        # Both sides: a surface may be looked at from below.
        "material": {"cls": "MeshStandardMaterial", "roughness": 1, "metalness": 0, "side": 2},
    }
)


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a SURFACE record."""
    given = record[COMMON_FIELDS : COMMON_FIELDS + _FIELDS]
    if len(given) < _FIELDS:
        raise RecordError(f"a surface has x, y and z, this record {len(given)} fields")
    grid = array_of(given[2], "z").shape
    if len(grid) != 2:
        raise RecordError(f"z must have the shape (rows, columns), not {grid}")
    lines = _thinned(grid[0]), _thinned(grid[1])
    x, y, z = np.broadcast_arrays(
        _axis(given[0], "x", grid, 1, lines),
        _axis(given[1], "y", grid, 0, lines),
        _picked(given[2], "z", lines),
    )
    there = np.isfinite(x) & np.isfinite(y) & np.isfinite(z)
    height = _scaled(z, there)
    # In three.js y is upwards and z towards the viewer; the grid's y leads away from him.
    points = (
        _scaled(x, there) * _HALF_WIDTH,
        height * _HALF_HEIGHT,
        _scaled(y, there) * -_HALF_WIDTH,
    )
    event = begin(record)
    mesh.add(
        event,
        record[1],
        np.stack(points, axis=-1).reshape(1, -1, 3).astype("<f4"),
        _faces(there),
        _colors(height),
        CONFIGURATION,
    )
    return [("", event.SerializeToString())]


def _thinned(extent: int) -> NDArray:
    """Return the numbers of the rows, or columns, that are shown."""
    return np.linspace(0, max(extent - 1, 0), min(extent, LINES)).round().astype(np.intp)


def _axis(
    value: Any, name: str, grid: tuple[int, ...], along: int, lines: tuple[NDArray, NDArray]
) -> NDArray:
    """Return x or y of the points that are shown, given for each of them or once ``along``."""
    shape = array_of(value, name).shape
    if shape == grid:
        return _picked(value, name, lines)
    if shape != (grid[along],):
        raise RecordError(f"{name} must have the shape ({grid[along]},) or {grid}, not {shape}")
    line = _picked(value, name, (lines[along],))
    return line[np.newaxis, :] if along == 1 else line[:, np.newaxis]


def _picked(value: Any, name: str, lines: tuple[NDArray, ...]) -> NDArray:
    """Return the float64 where ``lines`` cross."""
    found = numpy_of(value, name)
    if found.dtype.kind == "c":
        raise RecordError(f"{name} must be real numbers, not {found.dtype.name}")
    return found[np.ix_(*lines)].astype(np.float64)


def _scaled(values: NDArray, there: NDArray) -> NDArray:
    """Return ``values`` from -1 to 1, by their own range; 0 where nothing is ``there``."""
    found = np.where(there, values, 0.0)
    if not there.any():
        return found
    # First by the largest, so that no difference is beyond a float64.
    found /= np.abs(found).max() or 1.0
    lowest, highest = found[there].min(), found[there].max()
    found -= (lowest + highest) / 2
    if highest > lowest:
        found /= (highest - lowest) / 2
    return np.where(there, found, 0.0)


def _faces(there: NDArray) -> NDArray:
    """Return two triangles for each cell; at a hole they shrink to a point.

    There are as many for every surface over one grid, because TensorBoard takes the shape of all
    steps from the first.
    """
    number = np.arange(there.size, dtype="<i4").reshape(there.shape)
    corners = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    near_left, near_right, far_left, far_right = (corner.ravel() for corner in corners)
    # Counterclockwise as seen from above, where x and y ascend.
    faces = np.concatenate(
        [
            np.stack([near_left, near_right, far_left], axis=-1),
            np.stack([near_right, far_right, far_left], axis=-1),
        ]
    )
    faces[~there.ravel()[faces].all(axis=-1)] = 0
    return faces[np.newaxis]


def _colors(height: NDArray) -> NDArray:
    """Return the colours of heights from -1 to 1."""
    return colours.of_shares((height.ravel() + 1) / 2)[np.newaxis]
