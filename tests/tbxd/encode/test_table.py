"""The table, and what every kind promises, however hostile the record."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd.encode import UnknownKind, encode, tags
from tbxd.encode.table import _ROWS
from tbxd.proto.event_pb2 import Event, SessionLog
from tbxd_wire import records
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind
from tbxd_wire.paths import safe_relative

junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.text()
    | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.binary(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
names = st.text(max_size=12) | st.sampled_from(
    ["", "/", "..", ".", "a", "a/", "/a", "a//b", "a/../b", "../x", "\0", "x" * 300, "é" * 200]
)
numbers = st.dictionaries(names, st.floats(), max_size=5)


@given(
    st.sampled_from([*_ROWS, 0, 99]),
    names,
    st.none() | st.integers(-5, 1 << 40),
    st.lists(junk | numbers | st.floats() | st.text(), max_size=5),
)
def test_any_record_becomes_whole_events_or_is_refused(
    kind: int, tag: str, step: int | None, rest: list[Any]
) -> None:
    packed = msgpack.packb([kind, tag, step, 1.5, *rest])
    try:
        record = records.decode(packed)
        pairs = encode(record)
        moved = list(tags(record))
    except RecordError:
        return
    directories = [directory for directory, _ in pairs]
    assert len(set(directories)) == len(directories)
    assert encode(records.decode(packed)) == pairs
    for directory, data in pairs:
        assert safe_relative(directory) == directory
        event = Event.FromString(data)
        assert event.wall_time == 1.5
        assert event.step == (step or 0)
        for value in event.summary.value:
            assert any(value.tag.startswith(name) for name in moved)


@pytest.mark.parametrize("kind", [0, -1, 99, 255])
def test_an_unknown_kind_can_be_told_from_a_bad_record(kind: int) -> None:
    with pytest.raises(UnknownKind, match=f"kind {kind} ") as caught:
        encode([kind, "tag", 1, 1.0, 0.5])
    assert caught.value.kind == kind


def test_every_kind_has_an_encoder() -> None:
    for kind in _ROWS:
        with pytest.raises(RecordError) as caught:
            encode([int(kind), "", None, 1.0])
        assert not isinstance(caught.value, UnknownKind)


def test_many_scalars_become_one_event() -> None:
    record = records.decode(
        records.encode(Kind.SCALARS, "", 3, 1.5, {"a": 1.0, "b": float("inf"), "": 1e300})
    )
    ((directory, data),) = encode(record)
    event = Event.FromString(data)
    assert directory == ""
    assert [(value.tag, value.simple_value) for value in event.summary.value] == [
        ("a", 1.0),
        ("b", float("inf")),
        ("", float("inf")),
    ]
    assert event.step == 3
    assert list(tags(record)) == ["a", "b", ""]


def test_no_scalars_become_no_event() -> None:
    assert encode(records.decode(records.encode(Kind.SCALARS, "", 3, 1.5, {}))) == []
    assert encode(records.decode(records.encode(Kind.SCALAR_GROUP, "tag", 3, 1.5, {}))) == []


def test_a_session_start_is_a_session_log() -> None:
    record = records.decode(records.encode(Kind.SESSION_START, "", -4, 1.5))
    ((directory, data),) = encode(record)
    event = Event.FromString(data)
    assert directory == ""
    assert event.session_log.status == SessionLog.START
    assert event.step == -4
    assert list(tags(record)) == []


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([2, "t", 1, 1.0, 0.5], "map of float64, not float"),
        ([2, "t", 1, 1.0, {b"k": 1.0}], "key of .* must be a str, not bytes"),
        ([2, "t", 1, 1.0, {"k": 1}], r"\['k'\] must be a float64, not int"),
        ([3, "", 1, 1.0, {"k": None}], r"\['k'\] must be a float64, not NoneType"),
        ([4, "t", 1, 1.0, b"bytes"], "a text must be a str, not bytes"),
        ([4, "t", 1, 1.0], "ends before it"),
        ([5, "", None, 1.0], "names the step"),
    ],
)
def test_a_refusal_says_what_was_expected_and_what_came(
    record: records.Record, message: str
) -> None:
    with pytest.raises(RecordError, match=message):
        encode(record)
