"""MESH: points, with or without colours and faces.

Each array becomes a value of its own, which the mesh plugin puts together again by the name in
their metadata. The values' tags, and the mask that says which of them there are, are torch's and
TensorBoard's own; the tensors have the types of TensorBoard's own writer (float32, int32, uint8),
where both peers write float32 throughout, which is exact for no index above 2 ** 24.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tbxd.proto.event_pb2 import DT_FLOAT, DT_INT32, DT_UINT8, Event, Summary
from tbxd.proto.plugins_pb2 import MeshPluginData
from tbxd_wire.errors import RecordError
from tbxd_wire.limits import FRAME_BODY_BYTES
from tbxd_wire.records import COMMON_FIELDS, Record

from .arrays import NDArray, array_of, numpy_of
from .event import begin
from .fields import text_of

_PLUGIN = "mesh"
_FIELDS = 4
_INT32_MAX = (1 << 31) - 1

_ELEMENTS = FRAME_BODY_BYTES // 4
"""Most elements of an array: as many as a frame holds of float32. Narrower ones are widened here,
and must not take more than that in doing so."""

# In the order of the events of the peers.
_VERTEX = MeshPluginData.VERTEX
_FACE = MeshPluginData.FACE
_COLOR = MeshPluginData.COLOR
_NAMES = {_VERTEX: "vertices", _FACE: "faces", _COLOR: "colors"}
_TENSOR_TYPES = {_VERTEX: DT_FLOAT, _FACE: DT_INT32, _COLOR: DT_UINT8}


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a MESH record."""
    given = record[COMMON_FIELDS : COMMON_FIELDS + _FIELDS]
    if len(given) < _FIELDS:
        raise RecordError(f"a mesh has {_FIELDS} fields, this one {len(given)}")
    vertices = _triples_of(given[0], "vertices")
    colors = None if given[1] is None else _triples_of(given[1], "colors")
    faces = None if given[2] is None else _triples_of(given[2], "faces")
    configuration = text_of(given[3], "the configuration of a mesh")
    if colors is not None and colors.shape != vertices.shape:
        raise RecordError(
            f"a mesh has a color for each of its vertices {vertices.shape}, not {colors.shape}"
        )
    if faces is not None and len(faces) != len(vertices):
        raise RecordError(f"there are {len(vertices)} meshes, and faces of {len(faces)}")
    event = begin(record)
    add(
        event,
        record[1],
        _floats(vertices),
        None if faces is None else _whole(faces, -_INT32_MAX, _INT32_MAX, "<i4"),
        None if colors is None else _whole(colors, 0, 255, "u1"),
        configuration,
    )
    return [("", event.SerializeToString())]


def add(
    event: Event,
    tag: str,
    vertices: NDArray,
    faces: NDArray | None,
    colors: NDArray | None,
    configuration: str,
) -> None:
    """Add a mesh to ``event``.

    Args:
        tag: as it is shown.
        vertices: (n, points, 3) of little endian float32.
        faces: (n, faces, 3) of little endian int32, each a triangle of three points' numbers.
        colors: (n, points, 3) of uint8: red, green, blue.
        configuration: JSON for three.js.
    """
    parts = {_VERTEX: vertices, _FACE: faces, _COLOR: colors}
    there = {part: array for part, array in parts.items() if array is not None}
    components = sum(1 << part for part in there)
    for part, array in there.items():
        content = MeshPluginData(
            name=tag,
            content_type=part,
            json_config=configuration,
            shape=array.shape,
            components=components,
        )
        name = MeshPluginData.ContentType.Name(part)
        value = event.summary.value.add(tag=f"{tag}_{name}")
        value.metadata.plugin_data.plugin_name = _PLUGIN
        value.metadata.plugin_data.content = content.SerializeToString()
        _fill_tensor(value, array, part)


def _fill_tensor(value: Summary.Value, array: NDArray, part: MeshPluginData.ContentType) -> None:
    value.tensor.dtype = _TENSOR_TYPES[part]
    for extent in array.shape:
        value.tensor.tensor_shape.dim.add(size=extent)
    value.tensor.tensor_content = array.tobytes()


def _triples_of(value: Any, name: str) -> NDArray:
    """Return real numbers of shape (n, any number, 3)."""
    described = array_of(value, name)
    if len(described.shape) != 3 or described.shape[2] != 3:
        raise RecordError(f"{name} must have the shape (n, number, 3), not {described.shape}")
    if described.size > _ELEMENTS:
        raise RecordError(f"{name} must be at most {_ELEMENTS} numbers, not {described.size}")
    found = numpy_of(value, name)
    if found.dtype.kind == "c":
        raise RecordError(f"{name} must be real numbers, not {found.dtype.name}")
    return found


def _floats(array: NDArray) -> NDArray:
    """Return float32; what is beyond becomes an infinity."""
    with np.errstate(over="ignore"):
        return array.astype("<f4", copy=False)


def _whole(array: NDArray, lowest: int, highest: int, dtype: str) -> NDArray:
    """Return whole numbers of ``dtype``: the fraction cut off, clipped, NaN as 0."""
    if array.dtype == np.dtype(dtype):
        return array
    if array.dtype.kind == "f":
        numbers = np.nan_to_num(array.astype(np.float64), copy=False, nan=0.0)
    elif array.dtype.name == "uint64":
        numbers = np.minimum(array, np.uint64(highest)).astype(np.int64)
    else:
        numbers = array.astype(np.int64)
    return np.clip(numbers, lowest, highest, out=numbers).astype(dtype)
