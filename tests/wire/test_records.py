"""Records: each kind's fields, and a decoder that lets nothing else through."""

from __future__ import annotations

import gc
import math
import threading
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd_wire import records
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind, ScalarForm
from tbxd_wire.limits import STEP_MAX, STEP_MIN

TAGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
STEPS = st.none() | st.integers(STEP_MIN, STEP_MAX)
TIMES = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.floats(allow_nan=False)


@given(TAGS, STEPS, TIMES, NUMBERS)
def test_scalar(tag: str, step: int | None, wall_time: float, value: float) -> None:
    body = records.pack((records.SCALAR, tag, step, wall_time, value))
    assert records.decode(body) == [Kind.SCALAR, tag, step, wall_time, value]
    assert records.decode(memoryview(body)) == records.decode(body)


def test_nan_is_a_value() -> None:
    body = records.pack((records.SCALAR, "tag", 1, 2.0, math.nan))
    assert math.isnan(records.decode(body)[4])


@given(TAGS, STEPS, TIMES, NUMBERS, st.sampled_from(ScalarForm), TAGS, TAGS)
def test_scalar_of_form(
    tag: str,
    step: int | None,
    wall_time: float,
    value: float,
    form: ScalarForm,
    name: str,
    description: str,
) -> None:
    body = records.encode(Kind.SCALAR, tag, step, wall_time, value, int(form), name, description)
    expected = [Kind.SCALAR, tag, step, wall_time, value, int(form), name, description]
    assert records.decode(body) == expected


@given(TAGS, STEPS, TIMES, st.dictionaries(TAGS, NUMBERS, max_size=4))
def test_scalar_group_and_scalars(
    tag: str, step: int | None, wall_time: float, values: dict[str, float]
) -> None:
    group = records.decode(records.encode(Kind.SCALAR_GROUP, tag, step, wall_time, values))
    assert group == [Kind.SCALAR_GROUP, tag, step, wall_time, values]
    several = records.decode(records.encode(Kind.SCALARS, "", step, wall_time, values))
    assert several == [Kind.SCALARS, "", step, wall_time, values]


@given(TAGS, STEPS, TIMES, TAGS)
def test_text(tag: str, step: int | None, wall_time: float, markdown: str) -> None:
    body = records.encode(Kind.TEXT, tag, step, wall_time, markdown)
    assert records.decode(body) == [Kind.TEXT, tag, step, wall_time, markdown]


@given(st.integers(STEP_MIN, STEP_MAX), TIMES)
def test_session_start(step: int, wall_time: float) -> None:
    assert records.decode(records.encode(Kind.SESSION_START, "", step, wall_time)) == [
        5,
        "",
        step,
        wall_time,
    ]


def test_an_unknown_kind_and_unknown_fields_are_let_through() -> None:
    body = msgpack.packb([250, "tag", 1, 2.0, {"new": [1]}, None, b"more"])
    assert records.decode(body) == [250, "tag", 1, 2.0, {"new": [1]}, None, b"more"]


@pytest.mark.parametrize(
    "record",
    [
        [],
        [1],
        [1, "tag", 1],
        {},
        {1: 1, 2: 2, 3: 3, 4: 4},
        "four",
        b"four",
        7,
        None,
        ["1", "tag", 1, 2.0],
        [True, "tag", 1, 2.0],
        [1.0, "tag", 1, 2.0],
        [1, b"tag", 1, 2.0],
        [1, None, 1, 2.0],
        [1, "tag", 1.0, 2.0],
        [1, "tag", True, 2.0],
        [1, "tag", "1", 2.0],
        [1, "tag", STEP_MAX + 1, 2.0],
        [1, "tag", 1, "2"],
        [1, "tag", 1, None],
        [1, "tag", 1, math.nan],
        [1, "tag", 1, math.inf],
        [1, "tag", 1, -math.inf],
    ],
    ids=repr,
)
def test_wrong_fields_are_refused(record: Any) -> None:
    with pytest.raises(RecordError):
        records.decode(msgpack.packb(record))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        b"\x94\x01",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\x91" * 5000,
        msgpack.packb([1, "tag", 1, 2.0]) + b"\0",
        b"\x94\x01\xa2\xff\xfe\x01\xcb" + bytes(8),
        b"\x94\x01\xa3tag\xd6\xff\0\0\0\0\xcb" + bytes(8),
        b"\x94\x81\x90\x01\xa3tag\x01\xcb" + bytes(8),
    ],
    ids=lambda body: body[:12].hex(),
)
def test_hostile_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(RecordError):
        records.decode(body)


@pytest.mark.parametrize("empty", [b"\x90", b"\x80", b"\xdd\0\0\0\0", b"\xde\0\0"])
def test_more_lists_and_maps_than_anything_needs_are_refused(empty: bytes) -> None:
    def record(count: int) -> bytes:
        head = b"\x95\x01\xa3tag\x01\xcb" + bytes(8)
        return head + b"\xdd" + count.to_bytes(4, "big") + empty * count

    # The record and its last field are two of them.
    most = records.CONTAINERS - 2
    assert len(records.decode(record(most))[4]) == most
    with pytest.raises(RecordError, match="at most 2,097,152 lists and maps"):
        records.decode(record(most + 1))


def test_a_long_text_is_no_lists() -> None:
    markdown = "ÀÝ" * records.CONTAINERS
    body = records.encode(Kind.TEXT, "tag", 1, 1.0, markdown)
    assert records.decode(body)[4] == markdown


@given(st.binary(max_size=120))
def test_arbitrary_bytes_raise_nothing_but_record_errors(body: bytes) -> None:
    try:
        record = records.decode(body)
    except RecordError:
        return
    kind, tag, step, wall_time, *_ = record
    assert type(kind) is int
    assert type(tag) is str
    assert step is None or STEP_MIN <= step <= STEP_MAX
    assert math.isfinite(wall_time)


@given(
    st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(), st.lists)
)
def test_arbitrary_values_raise_nothing_but_record_errors(value: Any) -> None:
    try:
        records.decode(msgpack.packb(value))
    except RecordError:
        return
    assert isinstance(value, list)
    assert len(value) >= records.COMMON_FIELDS


# -- the one packer that all threads share


def test_a_call_that_raises_leaves_nothing_behind() -> None:
    good = (records.SCALAR, "tag", 1, 2.0, 3.0)
    expected = records.pack(good)
    for bad in [(1, "\ud800"), (1, object()), (1, 1 << 80), (1, ["deep", {"er": {1}}])]:
        with pytest.raises((ValueError, TypeError, OverflowError)):
            records.pack(bad)
        assert records.pack(good) == expected


def test_threads_do_not_meet_in_the_packer() -> None:
    wrong: list[object] = []

    def pack(number: int) -> None:
        values = {f"{number}/{key}": float(key) for key in range(30)}
        expected = msgpack.packb([3, "", number, 1.0, values])
        for _ in range(2000):
            if records.encode(Kind.SCALARS, "", number, 1.0, values) != expected:
                wrong.append(number)

    threads = [threading.Thread(target=pack, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []


class LogsWhenDestroyed:
    """Garbage that only the collector can destroy, and that packs a record when it does."""

    destroyed = 0

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        type(self).destroyed += 1
        records.pack((records.SCALAR, "destroyed", 1, 2.0, 3.0))


def test_a_destructor_that_logs_does_not_disturb_a_record() -> None:
    values = {str(key): float(key) for key in range(30)}
    expected = msgpack.packb([3, "", 1, 1.0, values])
    threshold = gc.get_threshold()
    try:
        for allocations in range(1, 200):
            LogsWhenDestroyed()
            gc.set_threshold(allocations % 7 + 1, 1000, 1000)
            assert all(
                records.encode(Kind.SCALARS, "", 1, 1.0, values) == expected for _ in range(20)
            )
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    assert LogsWhenDestroyed.destroyed == 199


def test_whole_seconds_are_a_wall_time() -> None:
    """A simulated clock may give them."""
    assert records.decode(records.pack((records.SCALAR, "tag", 1, 17, 0.5))) == [
        *(records.SCALAR, "tag", 1, 17.0, 0.5)
    ]
    assert type(records.decode(records.pack((records.SCALAR, "tag", 1, 17, 0.5)))[3]) is float
