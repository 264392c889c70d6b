"""Meshes: the values of both peers beside ours, call by call. (None of them has surfaces.)"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.plugins.mesh import plugin_data_pb2
from tensorboard.util import tensor_util

from tbxd_client import SummaryWriter
from tests.client.leftovers import Logged

from .events import PEERS, TENSORBOARDX, TORCH, Events, ours, theirs, values_of

RANDOM = np.random.default_rng(5)
VERTICES = RANDOM.normal(size=(2, 4, 3)).astype(np.float32)
COLORS = RANDOM.integers(0, 256, (2, 4, 3)).astype(np.uint8)
FACES = np.array([[[0, 1, 2], [1, 2, 3]]] * 2, np.int32)
CONFIG = {"material": {"cls": "PointsMaterial", "size": 0.1}, "camera": {"fov": 75}}

MESHES: dict[str, tuple[Any, ...]] = {
    "points": (VERTICES,),
    "colors": (VERTICES, COLORS),
    "faces": (VERTICES, None, FACES),
    "everything": (VERTICES, COLORS, FACES, CONFIG),
    "tensors": tuple(map(torch.tensor, (VERTICES, COLORS, FACES))),
    "lists": (VERTICES.tolist(), COLORS.tolist(), FACES.tolist()),
    "float64": (VERTICES.astype(np.float64), COLORS.astype(np.float64), FACES.astype(np.float64)),
    "int64": (FACES.astype(np.int64), FACES.astype(np.int64), FACES.astype(np.int64)),
    "half": (VERTICES.astype(np.float16),),
    "views": (VERTICES[:, ::2], COLORS[:, 1::2], FACES.transpose(1, 0, 2)),
    "reversed views": (VERTICES[:, ::-1],),
    "no points": (VERTICES[:, :0],),
    "no meshes": (VERTICES[:0], COLORS[:0], FACES[:0]),
    "not finite": (np.array([[[np.nan, np.inf, -np.inf]]]),),
    "empty config": (VERTICES, None, None, {}),
    "config of no JSON": (VERTICES, None, None, {"a": object()}),
    "config that is not finite": (VERTICES, None, None, {"a": np.inf}),
    "large index": (VERTICES[:1, :1], None, np.array([[[0, 1, (1 << 24) + 1]]])),
    "bright colors": (VERTICES[:1, :1], np.array([[[300.0, -1.0, 127.5]]])),
    "two dimensions": (VERTICES[0],),
    "pairs": (VERTICES[..., :2],),
    "fewer colors": (VERTICES, COLORS[:, :1]),
    "faces of one mesh": (VERTICES, None, FACES[:1]),
    "complex": (VERTICES.astype(complex),),
    "None": (None,),
    "str": ("x",),
    "tuple": ((((0.0, 0.0, 0.0),),),),
}

# One reason for each; what stands here is checked to be a difference, too.
UNSEEN = "the peer writes what TensorBoard cannot show"
DIFFERENCES: dict[tuple[str, str], str] = {
    (TENSORBOARDX, "two dimensions"): "IndexError; ValueError here and in torch",
    (TENSORBOARDX, "None"): "the peer writes an event without a mesh",
    (TORCH, "reversed views"): "torch has no negative strides",
    (TORCH, "None"): "the peer writes an event without a mesh",
    (TORCH, "tuple"): "torch takes tuples; here as in tensorboardX they are no array",
} | {
    (peer, name): reason
    for peer in (TENSORBOARDX, TORCH)
    for name, reason in (
        ("config that is not finite", UNSEEN),
        ("large index", "as a float32 it is another index"),
        ("bright colors", "TensorBoard wraps round what is no uint8; here it is clipped"),
        ("pairs", UNSEEN),
        ("fewer colors", UNSEEN),
        ("faces of one mesh", UNSEEN),
    )
}


def parts_of(events: Events | type[Exception]) -> Any:
    """Return the step, the plugin's data and the numbers of each part, without the tags."""
    if isinstance(events, type):
        return events
    (found,) = events.values()
    parts = {}
    for step, value in values_of(found):
        assert value.metadata.plugin_data.plugin_name == "mesh"
        content = plugin_data_pb2.MeshPluginData.FromString(value.metadata.plugin_data.content)
        array = tensor_util.make_ndarray(value.tensor)
        assert array.shape == tuple(content.shape)
        parts[content.content_type] = (
            step,
            content.name,
            content.version,
            # tensorboardX says "null" for no configuration.
            content.json_config.replace("null", "{}"),
            array.shape,
            repr(array.astype(np.float64).tolist()),
        )
    return parts


@pytest.mark.parametrize("name", MESHES)
@pytest.mark.parametrize("peer", PEERS)
def test_a_mesh_is_theirs(
    peer: str, name: str, tmp_path: Path, writer: SummaryWriter, logged: Logged
) -> None:
    def call(each: Any) -> None:
        each.add_mesh("ball", *MESHES[name], global_step=3)

    expected = parts_of(theirs(peer, tmp_path / "theirs", call))
    found = parts_of(ours(writer, logged, call))
    assert (found == expected) == ((peer, name) not in DIFFERENCES), (found, expected)


@pytest.mark.parametrize("name", ["points", "colors", "faces", "everything", "empty config"])
def test_tags_and_metadata_are_torchs(
    name: str, tmp_path: Path, writer: SummaryWriter, logged: Logged
) -> None:
    """tensorboardX numbers the tags, and leaves it to TensorBoard to guess what there is."""

    def call(each: Any) -> None:
        each.add_mesh("ball", *MESHES[name])

    def described(events: Any) -> list[tuple[str, bytes]]:
        (found,) = events.values()
        return [(value.tag, value.metadata.plugin_data.content) for _, value in values_of(found)]

    expected = described(theirs(TORCH, tmp_path / "theirs", call))
    assert described(ours(writer, logged, call)) == expected
    numbered = described(theirs(TENSORBOARDX, tmp_path / "numbered", call))
    assert [tag for tag, _ in numbered] != [tag for tag, _ in expected]


@pytest.mark.parametrize("peer", PEERS)
def test_calls_take_what_a_peer_takes_in_its_order(peer: str) -> None:
    expected = list(inspect.signature(PEERS[peer].add_mesh).parameters)
    assert list(inspect.signature(SummaryWriter.add_mesh).parameters) == expected
