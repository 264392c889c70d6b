from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event as TheirEvent
from tensorboard.compat.proto.summary_pb2 import Summary as TheirSummary
from tensorboard.compat.tensorflow_stub import dtypes
from tensorboard.data_compat import migrate_event

from tbxd.encode import encode, tags
from tbxd.proto.event_pb2 import Event, Summary
from tbxd_client.arrays import source
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind
from tbxd_wire.records import Record

from .making import WALL_TIME, record_of


def record(summary: Any, step: int | None = 3) -> Record:
    data = summary if isinstance(summary, bytes) else summary.SerializeToString()
    return record_of(Kind.SUMMARY, "", source(np.frombuffer(data, np.uint8)), step=step)


def everything() -> TheirSummary:
    """Return a summary with all that TensorFlow's can hold, but resources and variants."""
    summary = TheirSummary()
    summary.value.add(tag="scalar", simple_value=0.5, node_name="node")
    summary.value.add(tag="old", obsolete_old_style_histogram=b"\1\2")
    image = summary.value.add(tag="image").image
    image.height, image.width, image.colorspace, image.encoded_image_string = 1, 2, 3, b"png"
    audio = summary.value.add(tag="audio").audio
    audio.sample_rate, audio.num_channels, audio.length_frames = 8000.0, 2, 3
    audio.encoded_audio_string, audio.content_type = b"wav", "audio/wav"
    histogram = summary.value.add(tag="histogram").histo
    histogram.min, histogram.max, histogram.num, histogram.sum = 0.0, 1.0, 2.0, 1.0
    histogram.bucket_limit.extend([0.5, 1.0])
    histogram.bucket.extend([1.0, 1.0])
    value = summary.value.add(tag="tensor")
    value.metadata.plugin_data.plugin_name = "plugin"
    value.metadata.plugin_data.content = b"content"
    value.metadata.display_name, value.metadata.summary_description = "name", "words"
    value.metadata.data_class = 2
    value.tensor.dtype = dtypes.float32.as_datatype_enum
    value.tensor.tensor_shape.dim.add(size=2, name="x")
    value.tensor.version_number = 1
    value.tensor.tensor_content = b"12345678"
    value.tensor.float8_val = b"8"
    for name in ("float", "double", "int", "int64", "uint32", "uint64", "half", "scomplex"):
        getattr(value.tensor, f"{name}_val").extend([1, 2])
    value.tensor.dcomplex_val.extend([1.0, 2.0])
    value.tensor.bool_val.extend([True])
    value.tensor.string_val.extend([b"a", b""])
    return summary


def test_all_of_it_travels_as_it_is() -> None:
    ((place, data),) = encode(record(everything()))
    assert place == ""
    expected = TheirEvent(wall_time=WALL_TIME, step=3, summary=everything())
    assert data == expected.SerializeToString()


def test_tags_are_those_of_the_values() -> None:
    assert list(tags(record(everything()))) == [
        *("scalar", "old", "image", "audio", "histogram", "tensor")
    ]


def test_a_long_summary_is_not_parsed_for_its_tags() -> None:
    summary = everything()
    summary.value[2].image.encoded_image_string = bytes(1 << 20)
    assert list(tags(record(summary))) == []
    ((_, data),) = encode(record(summary))
    assert Event.FromString(data).summary.value[2].tag == "image"


def test_a_summary_without_values_is_an_event() -> None:
    ((_, data),) = encode(record(b"", step=None))
    assert Event.FromString(data).WhichOneof("what") == "summary"


def test_a_histogram_that_stops_tensorboards_loader_is_refused() -> None:
    summary = Summary()
    histogram = summary.value.add(tag="ragged").histo
    histogram.bucket_limit.extend([1.0])
    histogram.bucket.extend([1.0, 2.0, 3.0])
    event = TheirEvent(summary=TheirSummary.FromString(summary.SerializeToString()))
    with pytest.raises(ValueError, match="inhomogeneous"):
        migrate_event(event)
    with pytest.raises(RecordError, match="'ragged' has 1 edges for 3 buckets"):
        encode(record(summary))


def test_a_field_of_another_ones_type_is_refused() -> None:
    with pytest.raises(RecordError, match=r"Value\.simple_value has the type of another field"):
        encode(record(b"\x0a\x02\x10\x01"))


def test_what_is_no_summary() -> None:
    with pytest.raises(RecordError, match="1 bytes are no serialized Summary"):
        encode(record(b"\xff"))


@pytest.mark.parametrize("value", [None, "text", b"bytes", [1], 7])
def test_what_is_no_array(value: Any) -> None:
    with pytest.raises(RecordError, match="a summary must be an array"):
        encode(record_of(Kind.SUMMARY, "", value))


def is_known(message: Any) -> bool:
    """Return whether all of a message is known to whoever has its class."""
    size = message.ByteSize()
    message.DiscardUnknownFields()
    return bool(message.ByteSize() == size)


@given(st.data())
def test_what_is_not_refused_is_all_known_to_tensorboard(data: st.DataObject) -> None:
    """A field of a wrong type would be unknown to it, and an error to its data server."""
    serialized = bytearray(everything().SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(serialized) - 1))
        # A byte that is a field's key gets another type or number, and no length changes.
        serialized[place] ^= data.draw(st.sampled_from([1, 4, 5, 7, 8, 16, 128]))
    try:
        ((_, event),) = encode(record(bytes(serialized)))
    except RecordError:
        return
    assert is_known(TheirEvent.FromString(event))
