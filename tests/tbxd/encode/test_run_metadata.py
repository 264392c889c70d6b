from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tensorboard.compat.proto.config_pb2 import RunMetadata

from tbxd.encode import encode, tags
from tbxd_client.arrays import source
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import WALL_TIME, events_of, record_of


def test_the_bytes_stay_as_they_are() -> None:
    metadata = RunMetadata()
    metadata.step_stats.dev_stats.add(device="/gpu:0").node_stats.add(node_name="n")
    metadata.partition_graphs.add().node.add(name="n")
    data = metadata.SerializeToString()
    array = source(np.frombuffer(data, np.uint8))
    found = events_of(Kind.RUN_METADATA, "step 7", array)[""]
    assert found.tagged_run_metadata.tag == "step 7"
    assert found.tagged_run_metadata.run_metadata == data
    assert (found.wall_time, found.step) == (WALL_TIME, 3)
    # It may be a curve's as well, whose steps are its own.
    assert list(tags(record_of(Kind.RUN_METADATA, "step 7", array))) == []


@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x01\x00"])
def test_what_is_none(data: bytes) -> None:
    with pytest.raises(RecordError, match="are no serialized RunMetadata"):
        encode(record_of(Kind.RUN_METADATA, "t", source(np.frombuffer(data, np.uint8))))


@pytest.mark.parametrize("value", [None, "text", b"bytes", [1]])
def test_what_is_no_array(value: Any) -> None:
    with pytest.raises(RecordError, match="run metadata must be an array"):
        encode(record_of(Kind.RUN_METADATA, "t", value))
