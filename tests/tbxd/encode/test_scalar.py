from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tbxd.encode import scalar
from tbxd.proto.event_pb2 import DT_DOUBLE, DT_FLOAT, Event
from tbxd_wire import records
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind, ScalarForm
from tbxd_wire.limits import STEP_MAX, STEP_MIN

steps = st.one_of(
    st.none(),
    st.integers(STEP_MIN, STEP_MAX),
    st.integers(-20_000, 40_000),
    st.sampled_from([0, 1, 127, 128, 16383, 16384, STEP_MIN, STEP_MAX]),
)
quiet_and_signalling_nans = st.sampled_from(
    [struct.unpack("<d", bits)[0] for bits in (b"\x01" + b"\0" * 5 + b"\xf0\x7f", b"\xff" * 8)]
)


def by_protobuf(tag: str, step: int | None, wall_time: float, value: float) -> bytes:
    event = Event(wall_time=wall_time, step=step)
    event.summary.value.add(tag=tag, simple_value=value)
    return event.SerializeToString()


@given(
    st.text(max_size=300),
    steps,
    # Adding a zero makes -0.0 the 0.0 that it is taken for.
    st.floats(allow_nan=False, allow_infinity=False).map(lambda wall_time: wall_time + 0.0),
    st.floats() | quiet_and_signalling_nans,
)
@example("", None, 0.0, 0.0)
@example("t", 0, -1.0, -0.0)
@example("t", 1, 1.0, 1e300)
@example("t", 1, 1.0, -1e300)
@example("t", 1, 1.0, 3.4028235677973366e38)
@example("t", 1, 1.0, 3.4028235677973362e38)
@example("x" * 20_000, 1, 1.0, 1.0)
def test_bytes_are_protobufs(tag: str, step: int | None, wall_time: float, value: float) -> None:
    assert scalar.encode(tag, step, wall_time, value) == by_protobuf(tag, step, wall_time, value)


def test_a_full_cache_is_emptied_and_the_bytes_stay_right() -> None:
    count = scalar._KEPT + 10
    for number in range(count):
        scalar.encode(f"tag {number}", number << 14, 1.0, 1.0)
    assert len(scalar._prefixes) <= scalar._KEPT
    assert len(scalar._high_steps) <= scalar._KEPT
    for number in (0, count - 1):
        arguments = (f"tag {number}", number << 14, 1.0, 1.0)
        assert scalar.encode(*arguments) == by_protobuf(*arguments)


def test_a_long_tag_is_not_kept() -> None:
    scalar.encode("long" * 1000, 1, 1.0, 1.0)
    assert "long" * 1000 not in scalar._prefixes


@pytest.mark.parametrize("value", [1, True, None, "1.0", b"1", [1.0], {}])
def test_a_value_that_is_no_float_is_refused(value: Any) -> None:
    with pytest.raises(RecordError, match=f"float64, not {type(value).__name__}"):
        scalar.encode("tag", 1, 1.0, value)
    with pytest.raises(RecordError, match=f"float64, not {type(value).__name__}"):
        scalar.encode_record([int(Kind.SCALAR), "tag", 1, 1.0, value])


def record_of(*options: Any, value: Any = 0.5) -> records.Record:
    return [int(Kind.SCALAR), "tag", 7, 1.5, value, *options]


def value_of(record: records.Record) -> Any:
    ((sub_run, data),) = scalar.encode_record(record)
    assert sub_run == ""
    event = Event.FromString(data)
    assert (event.wall_time, event.step) == (1.5, 7)
    (value,) = event.summary.value
    assert value.tag == "tag"
    return value


@pytest.mark.parametrize("options", [(), (0,), (0, ""), (0, "", ""), (0, "", "", "later field")])
def test_a_plain_record_is_encoded_as_the_hot_path_does(options: tuple[Any, ...]) -> None:
    assert scalar.encode_record(record_of(*options)) == [("", scalar.encode("tag", 7, 1.5, 0.5))]


def test_names_and_descriptions_become_metadata() -> None:
    value = value_of(record_of(0, "Shown", "What it *is*"))
    assert value.simple_value == 0.5
    assert value.metadata.display_name == "Shown"
    assert value.metadata.summary_description == "What it *is*"
    assert not value.metadata.HasField("plugin_data")


def test_tensors_keep_their_precision() -> None:
    single = value_of(record_of(int(ScalarForm.FLOAT_TENSOR), value=0.1))
    assert single.tensor.dtype == DT_FLOAT
    assert single.tensor.float_val[0] == struct.unpack("<f", struct.pack("<f", 0.1))[0]
    double = value_of(record_of(int(ScalarForm.DOUBLE_TENSOR), value=1e300))
    assert double.tensor.dtype == DT_DOUBLE
    assert list(double.tensor.double_val) == [1e300]
    assert double.metadata.plugin_data.plugin_name == "scalars"
    too_large = value_of(record_of(int(ScalarForm.FLOAT_TENSOR), value=-1e300))
    assert list(too_large.tensor.float_val) == [-math.inf]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("0",), "form must be a number, not str"),
        ((True,), "form must be a number, not bool"),
        ((3,), "form 3 is unknown"),
        ((0, None), "display name must be a str, not NoneType"),
        ((0, "", b""), "description must be a str, not bytes"),
    ],
)
def test_other_options_are_refused(options: tuple[Any, ...], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        scalar.encode_record(record_of(*options))


def test_a_record_without_a_value_is_refused() -> None:
    with pytest.raises(RecordError, match="ends before it"):
        scalar.encode_record([int(Kind.SCALAR), "tag", 1, 1.0])
