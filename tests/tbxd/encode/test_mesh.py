from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.mesh import metadata
from tensorboard.util import tensor_util

from tbxd.encode import encode, mesh
from tbxd_client.arrays import source
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import record_of

Array = np.ndarray[Any, np.dtype[Any]]

VERTICES = np.arange(24, dtype=np.float32).reshape(2, 4, 3) / 10
FACES = np.array([[[0, 1, 2]], [[1, 2, 3]]], np.int32)
COLORS = np.full((2, 4, 3), 200, np.uint8)


def parts_of(vertices: Any, colors: Any = None, faces: Any = None, text: str = "{}") -> Any:
    """Return for each tag the plugin's data and the array, as TensorBoard reads them."""
    arrays = [None if each is None else source(each) for each in (vertices, colors, faces)]
    ((place, data),) = encode(record_of(Kind.MESH, "ball", *arrays, text))
    assert place == ""
    found = {}
    for value in Event.FromString(data).summary.value:
        plugin = value.metadata.plugin_data
        assert plugin.plugin_name == "mesh"
        content = metadata.parse_plugin_metadata(plugin.content)
        found[value.tag] = content, tensor_util.make_ndarray(value.tensor)
    return found


def test_every_array_is_a_value_of_its_own() -> None:
    parts = parts_of(VERTICES, COLORS, FACES, '{"camera": {}}')
    assert list(parts) == ["ball_VERTEX", "ball_FACE", "ball_COLOR"]
    expected: list[Array] = [VERTICES, FACES, COLORS]
    for (content, array), given, number in zip(parts.values(), expected, (1, 2, 3), strict=True):
        assert (content.name, content.content_type, content.version) == ("ball", number, 0)
        assert content.components == 1 << 1 | 1 << 2 | 1 << 3
        assert content.json_config == '{"camera": {}}'
        assert tuple(content.shape) == given.shape
        assert array.dtype == given.dtype
        np.testing.assert_array_equal(array, given)


@pytest.mark.parametrize(
    ("more", "components"), [({}, 2), ({"colors": COLORS}, 10), ({"faces": FACES}, 6)]
)
def test_the_mask_says_what_there_is(more: dict[str, Any], components: int) -> None:
    parts = parts_of(VERTICES, **more)
    assert len(parts) == 1 + len(more)
    assert {content.components for content, _ in parts.values()} == {components}


@pytest.mark.parametrize("dtype", ["f2", "f8", "i8", "u1", "?", ml_dtypes.bfloat16])
def test_other_dtypes_become_tensorboards(dtype: Any) -> None:
    numbers = np.array([[[0, 1, 1], [1, 0, 1], [1, 1, 0]]], dtype)
    parts = parts_of(numbers, numbers, numbers)
    for tag, expected in (("VERTEX", "float32"), ("FACE", "int32"), ("COLOR", "uint8")):
        _, array = parts[f"ball_{tag}"]
        assert array.dtype.name == expected
        np.testing.assert_array_equal(array, numbers.astype(expected))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.array([300.0, -4.0, 127.9]), [255, 0, 127]),
        (np.array([np.nan, np.inf, -np.inf]), [0, 255, 0]),
        (np.array([300, -4, 127]), [255, 0, 127]),
        (np.array([(1 << 64) - 1, 0, 255], np.uint64), [255, 0, 255]),
        (np.array([-128, -1, 127], np.int8), [0, 0, 127]),
        (np.array([65504, 1, 2], np.float16), [255, 1, 2]),
    ],
)
def test_colors_are_clipped_and_never_wrapped(given: Array, expected: list[int]) -> None:
    _, colors = parts_of(np.zeros((1, 1, 3)), given.reshape(1, 1, 3))["ball_COLOR"]
    assert colors.ravel().tolist() == expected


def test_large_indices_are_exact() -> None:
    faces = np.array([[[0, (1 << 24) + 1, (1 << 40)]]])
    _, found = parts_of(np.zeros((1, 1, 3)), None, faces)["ball_FACE"]
    assert found.ravel().tolist() == [0, (1 << 24) + 1, (1 << 31) - 1]


def test_vertices_beyond_a_float32_are_infinite() -> None:
    _, found = parts_of(np.array([[[1e300, -1e300, np.nan]]]))["ball_VERTEX"]
    assert str(found.ravel().tolist()) == "[inf, -inf, nan]"


def test_nothing_is_a_mesh_as_well() -> None:
    parts = parts_of(np.zeros((2, 0, 3)), np.zeros((2, 0, 3)), np.zeros((2, 0, 3)))
    assert [array.shape for _, array in parts.values()] == [(2, 0, 3)] * 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((), "has 4 fields, this one 0"),
        ((None, None, None, "{}"), "vertices must be an array, not NoneType"),
        ((np.zeros((4, 3)), None, None, "{}"), r"vertices must have the shape .*, not \(4, 3\)"),
        ((np.zeros((1, 4, 2)), None, None, "{}"), r"not \(1, 4, 2\)"),
        ((np.zeros((1, 4, 3), complex), None, None, "{}"), "real numbers, not complex128"),
        ((VERTICES, COLORS[:, :3], None, "{}"), r"vertices \(2, 4, 3\), not \(2, 3, 3\)"),
        ((VERTICES, None, FACES[:1], "{}"), "there are 2 meshes, and faces of 1"),
        ((VERTICES, None, None, None), "configuration of a mesh must be a str, not NoneType"),
        ((np.zeros((1 << 28, 0, 2)), None, None, "{}"), "must have the shape"),
    ],
)
def test_refusals(fields: tuple[Any, ...], message: str) -> None:
    given = [source(each) if isinstance(each, np.ndarray) else each for each in fields]
    with pytest.raises(RecordError, match=message):
        encode(record_of(Kind.MESH, "ball", *given))


def test_what_would_grow_beyond_a_frame_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh, "_ELEMENTS", 23)
    with pytest.raises(RecordError, match="at most 23 numbers, not 24"):
        parts_of(VERTICES)
