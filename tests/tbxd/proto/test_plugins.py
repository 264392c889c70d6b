"""What plugins keep in events, against TensorBoard's own definitions."""

from __future__ import annotations

from typing import Any

import pytest
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import plugin_data_pb2 as hparams_pb2
from tensorboard.plugins.mesh import plugin_data_pb2 as mesh_pb2

from tbxd.proto.plugins_pb2 import HParamsPluginData, Layout, MeshPluginData

from .comparing import messages, same_fields


@pytest.mark.parametrize(
    ("ours", "theirs", "count", "enumerated"),
    [
        # With google.protobuf's Value, ListValue, Struct and its entry; and its NullValue.
        (HParamsPluginData, hparams_pb2.HParamsPluginData, 12, 4 + 4 + 1),
        (Layout, layout_pb2.Layout, 6, 0),
        (MeshPluginData, mesh_pb2.MeshPluginData, 1, 4),
    ],
)
def test_every_field_and_enumerated_value_is_tensorboards(
    ours: Any, theirs: Any, count: int, enumerated: int
) -> None:
    their_messages = messages(theirs.DESCRIPTOR, {})
    our_messages = messages(ours.DESCRIPTOR, {})
    assert len(our_messages) == count
    compared = sum(same_fields(each, their_messages[name]) for name, each in our_messages.items())
    assert compared == enumerated


def test_both_families_live_in_one_process() -> None:
    assert HParamsPluginData.DESCRIPTOR.file.package == "tbxd.proto.plugins"
    assert HParamsPluginData.DESCRIPTOR.file.name != hparams_pb2.DESCRIPTOR.name
