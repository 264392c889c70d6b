"""The conversation: each message there and back, and a decoder that raises one exception only."""

from __future__ import annotations

import contextlib
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd_wire import messages
from tbxd_wire.errors import MessageError
from tbxd_wire.limits import (
    MESSAGE_HEAD_BYTES,
    PAYLOAD_BYTES,
    POSITION_MAX,
    PROTOCOL_NEWEST,
    PROTOCOL_OLDEST,
    REPORT_HEAD_BYTES,
)

CLASSES: tuple[type[Any], ...] = messages.Message.__args__
SESSIONS = st.binary(min_size=16, max_size=16)
NUMBERS = st.integers(0, POSITION_MAX)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "bytes": SESSIONS,
    "int": NUMBERS,
    "str": TEXTS,
    "bool": st.booleans(),
    "float": st.floats(allow_nan=False),
    "dict[str, Any]": st.dictionaries(TEXTS, TEXTS | NUMBERS | st.lists(NUMBERS, max_size=2)),
    "bytes | memoryview": st.binary(max_size=50),
}
MESSAGES = st.one_of(
    *(
        st.builds(
            each,
            **{name: PLAIN[each.__annotations__[name].__forward_arg__] for name in each._fields},
        )
        for each in CLASSES
    )
)
SESSION = bytes(range(16))
HELLO = messages.Hello(SESSION, 1, 1, 0, False, "/run", "rank1", 77, "host", ".suffix", "job", 1.5)


@given(MESSAGES)
def test_there_and_back(message: messages.Message) -> None:
    parts = messages.encode(message)
    assert len(parts) == (2 if isinstance(message, messages.Batch) else 1)
    assert type(messages.decode(parts)) is type(message)
    assert messages.decode(parts) == message
    assert messages.decode([memoryview(part) for part in parts]) == message


@given(MESSAGES, st.lists(st.none() | NUMBERS | TEXTS, min_size=1, max_size=3))
def test_fields_of_a_later_version_are_ignored(
    message: messages.Message, later: list[object]
) -> None:
    head, *rest = messages.encode(message)
    longer = msgpack.packb(msgpack.unpackb(head) + later)
    assert messages.decode([longer, *rest]) == message


@given(MESSAGES, st.data())
def test_a_missing_field_is_an_error(message: messages.Message, data: st.DataObject) -> None:
    head, *rest = messages.encode(message)
    fields = msgpack.unpackb(head)
    needed = len(fields) - len(message._field_defaults)
    kept = data.draw(st.integers(0, needed - 1))
    with pytest.raises(MessageError):
        messages.decode([msgpack.packb(fields[:kept]), *rest])


@given(MESSAGES, st.data())
def test_a_field_of_another_type_is_an_error(
    message: messages.Message, data: st.DataObject
) -> None:
    head, *rest = messages.encode(message)
    fields = msgpack.unpackb(head)
    index = data.draw(st.integers(1, len(fields) - 1))
    wrong: list[object] = [None, b"x", -1, "x", 0.5, True, [], {}]
    other = data.draw(
        st.sampled_from([each for each in wrong if type(each) is not type(fields[index])])
    )
    fields[index] = other
    with pytest.raises(MessageError, match="must be"):
        messages.decode([msgpack.packb(fields), *rest])


@given(MESSAGES, st.data())
def test_a_number_out_of_bounds_is_an_error(message: messages.Message, data: st.DataObject) -> None:
    head, *rest = messages.encode(message)
    fields = msgpack.unpackb(head)
    numbers = [index for index in range(1, len(fields)) if type(fields[index]) is int]
    if not numbers:
        return
    wrong = data.draw(st.sampled_from([-1, POSITION_MAX + 1, (1 << 64) - 1]))
    fields[data.draw(st.sampled_from(numbers))] = wrong
    with pytest.raises(MessageError, match="must be between 0 and"):
        messages.decode([msgpack.packb(fields), *rest])


@given(st.lists(st.binary(max_size=60), max_size=3))
def test_arbitrary_parts_raise_nothing_but_message_errors(parts: list[bytes]) -> None:
    try:
        message = messages.decode(parts)
    except MessageError:
        return
    assert messages.decode(messages.encode(message)) == message


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 20) | st.floats() | SESSIONS | TEXTS,
        lambda inner: st.lists(inner, max_size=14) | st.dictionaries(TEXTS, inner, max_size=2),
    ),
    st.lists(st.binary(max_size=9), max_size=2),
)
def test_arbitrary_heads_raise_nothing_but_message_errors(head: object, rest: list[bytes]) -> None:
    try:
        message = messages.decode([msgpack.packb(head), *rest])
    except MessageError:
        return
    assert messages.decode(messages.encode(message)) == message


@given(MESSAGES, st.data())
def test_a_flipped_bit_raises_nothing_but_message_errors(
    message: messages.Message, data: st.DataObject
) -> None:
    head, *rest = messages.encode(message)
    damaged = bytearray(head)
    bit = data.draw(st.integers(0, 8 * len(damaged) - 1))
    damaged[bit // 8] ^= 1 << bit % 8
    with contextlib.suppress(MessageError):
        messages.decode([bytes(damaged), *rest])


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xc1",
        b"\x91" * 5000,
        b"\xdd\xff\xff\xff\xff\x01",
        b"\xdf\xff\xff\xff\xff\x01",
        b"\x92\x05\xc6\xff\xff\xff\xff",
        b"\x92\x05\xd6\xff\0\0\0\0",
        msgpack.packb([5, SESSION]) + b"\0",
        msgpack.packb([]),
        msgpack.packb({5: SESSION}),
        msgpack.packb(["5", SESSION]),
        msgpack.packb([True, SESSION]),
        msgpack.packb([[5], SESSION]),
        msgpack.packb([0, SESSION]),
        msgpack.packb([11, SESSION]),
        msgpack.packb([-1, SESSION]),
        msgpack.packb([1 << 63, SESSION]),
        msgpack.packb([5, SESSION[:15]]),
        msgpack.packb([5, SESSION + b"x"]),
        msgpack.packb([5, b""]),
    ],
    ids=lambda head: head[:12].hex(),
)
def test_hostile_heads(head: bytes) -> None:
    with pytest.raises(MessageError):
        messages.decode([head])


def test_the_number_of_parts() -> None:
    (hello,) = messages.encode(HELLO)
    batch = messages.encode(messages.Batch(SESSION, 0, 0, 0, b"frames"))
    for parts in ([], [hello, b""], [batch[0]], [*batch, b""]):
        with pytest.raises(MessageError):
            messages.decode(parts)


def test_sizes_are_limited_before_anything_is_unpacked() -> None:
    report = messages.Report(SESSION, {"text": "x" * MESSAGE_HEAD_BYTES})
    parts = messages.encode(report)
    with pytest.raises(MessageError, match=f"above {MESSAGE_HEAD_BYTES}"):
        messages.decode(parts)
    assert messages.decode(parts, REPORT_HEAD_BYTES) == report
    head, _ = messages.encode(messages.Batch(SESSION, 0, 0, 0, b""))
    zeros = memoryview(bytes(PAYLOAD_BYTES + 1))
    with pytest.raises(MessageError, match=f"above {PAYLOAD_BYTES}"):
        messages.decode([head, zeros])
    assert messages.decode([head, zeros[1:]])


def test_a_payload_is_never_copied() -> None:
    frames = memoryview(bytearray(b"frames"))
    parts = messages.encode(messages.Batch(SESSION, 0, 0, 0, frames))
    assert parts[1] is frames
    decoded = messages.decode(parts)
    assert isinstance(decoded, messages.Batch)
    assert decoded.payload is frames


@pytest.mark.parametrize(
    ("oldest", "newest", "expected"),
    [
        (PROTOCOL_OLDEST, PROTOCOL_NEWEST, PROTOCOL_NEWEST),
        (0, PROTOCOL_NEWEST + 5, PROTOCOL_NEWEST),
        (PROTOCOL_NEWEST, PROTOCOL_NEWEST + 5, PROTOCOL_NEWEST),
        (PROTOCOL_NEWEST + 1, PROTOCOL_NEWEST + 5, None),
        (0, PROTOCOL_OLDEST - 1, None),
        (PROTOCOL_NEWEST, PROTOCOL_OLDEST - 1, None),
    ],
)
def test_common_version(oldest: int, newest: int, expected: int | None) -> None:
    assert messages.common_version(oldest, newest) == expected


def test_every_session_of_a_hello_fits_the_limits() -> None:
    longest = HELLO._replace(
        run="/" + "x" * 4095, role="r" * 1024, host="h" * 64, suffix="s" * 64, job="j" * 36
    )
    (head,) = messages.encode(longest)
    assert len(head) < MESSAGE_HEAD_BYTES


def test_a_farewell_of_who_knows_no_cause() -> None:
    head = msgpack.packb((6, bytes(range(16)), 70, 2))
    assert messages.decode([head]) == messages.Bye(bytes(range(16)), 70, 2, "")
