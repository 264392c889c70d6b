"""Things in three dimensions: meshes and point clouds, and surfaces over a grid."""

from __future__ import annotations

import json
from typing import Any

from tbxd_client import arrays
from tbxd_wire.arrays import Source
from tbxd_wire.kinds import Kind

from .core import Writer


class ShapeMethods(Writer):
    """``add_mesh`` and ``add_surface``."""

    def add_mesh(
        self,
        tag: str,
        vertices: Any,
        colors: Any = None,
        faces: Any = None,
        config_dict: dict[str, Any] | None = None,
        global_step: Any = None,
        walltime: Any = None,
    ) -> None:
        """Log meshes, or point clouds if there are no faces.

        TensorBoard's viewer places its camera by the size of what it shows, but cuts off what is
        nearer than 0.1: coordinates between -1 and 1 show best. It numbers the points of a mesh in
        16 bits; one with faces of more than 65,536 points is shown wrongly, whoever wrote it.

        Args:
            vertices: (meshes, points, 3); kept as float32.
            colors: (meshes, points, 3): red, green and blue of each point from 0 to 255, whatever
                the dtype. What is outside is clipped.
            faces: (meshes, faces, 3): each a triangle of three points' numbers.
            config_dict: settings of three.js, which must be JSON: ``{"camera": {"cls":
                "PerspectiveCamera", "fov": 75}, "material": {...}, "lights": [...]}``.
            tag, global_step, walltime: as in :meth:`add_scalar`.

        Raises:
            ValueError: a wrong shape; a number in ``config_dict`` that is not finite.
            TypeError: complex numbers; a ``config_dict`` that is no JSON.
            Otherwise as :meth:`add_scalar`.
        """
        points = _triples(vertices, "vertices")
        shades = None if colors is None else _triples(colors, "colors")
        triangles = None if faces is None else _triples(faces, "faces")
        if shades is not None and shades.shape != points.shape:
            raise ValueError(
                f"colors must have the shape of vertices, {points.shape}, not {shades.shape}"
            )
        if triangles is not None and triangles.shape[0] != points.shape[0]:
            raise ValueError(
                f"faces must be those of {points.shape[0]} meshes, not of {triangles.shape[0]}"
            )
        # Not finite numbers would be no JSON, and TensorBoard's viewer would show nothing.
        configuration = json.dumps(
            {} if config_dict is None else config_dict, sort_keys=True, allow_nan=False
        )
        self._post_arrays(
            Kind.MESH, tag, global_step, walltime, points, shades, triangles, configuration
        )

    def add_surface(
        self,
        tag: str,
        x: Any,
        y: Any,
        z: Any,
        global_step: Any = None,
        walltime: Any = None,
    ) -> None:
        """Log heights over a grid; the daemon makes a coloured mesh of them.

        It is shown as a plot would be, by TensorBoard's mesh viewer, which has no axes: each axis
        scaled to its own range, and coloured by height. Where a number is not finite there is a
        hole. A grid of more than 256 rows or columns is thinned out to as many.

        Args:
            x: (columns,), or (rows, columns) as ``numpy.meshgrid`` makes them.
            y: (rows,), or (rows, columns).
            z: (rows, columns), the heights; at least 2 x 2.
            tag, global_step, walltime: as in :meth:`add_scalar`.

        Raises:
            ValueError: a wrong shape.
            TypeError: complex numbers.
            Otherwise as :meth:`add_scalar`.
        """
        heights = _real(z, "z")
        grid = heights.shape
        if len(grid) != 2 or min(grid) < 2:
            raise ValueError(f"z must have the shape (rows, columns), at least (2, 2), not {grid}")
        across, along = _real(x, "x"), _real(y, "y")
        if across.shape not in ((grid[1],), grid):
            raise ValueError(f"x must have the shape ({grid[1]},) or {grid}, not {across.shape}")
        if along.shape not in ((grid[0],), grid):
            raise ValueError(f"y must have the shape ({grid[0]},) or {grid}, not {along.shape}")
        self._post_arrays(Kind.SURFACE, tag, global_step, walltime, across, along, heights)


def _real(value: Any, name: str) -> Source:
    found = arrays.source(value, name)
    if found.dtype.startswith("complex"):
        raise TypeError(f"{name} must be real numbers, not {found.dtype}")
    return found


def _triples(value: Any, name: str) -> Source:
    found = _real(value, name)
    if len(found.shape) != 3 or found.shape[2] != 3:
        raise ValueError(f"{name} must have the shape (meshes, number, 3), not {found.shape}")
    return found
