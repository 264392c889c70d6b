from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tbxd.encode.scalar import encode as scalar
from tbxd.format import marks
from tbxd.format.marks import Mark, Section
from tbxd.proto.event_pb2 import Event, SessionLog

A, B = b"\xaa" * 16, b"\xbb" * 16


@st.composite
def sections(draw: st.DrawFn) -> Section:
    begin, end = sorted(draw(st.tuples(*[st.integers(0, 10**18)] * 2)))
    events = draw(st.integers(0, 1000))
    earlier = 0 if events else draw(st.integers(0, 1000))
    return Section(draw(st.binary(min_size=16, max_size=16)), begin, end, events, earlier)


@given(
    st.lists(sections(), min_size=1, max_size=5, unique_by=lambda section: section.session),
    st.integers(10**6, 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_what_is_said_is_read(found: list[Section], event_bytes: int, wall_time: float) -> None:
    data = marks.encode(found, event_bytes, wall_time)
    assert marks.parse(data) == Mark(event_bytes, tuple(found))
    event = Event.FromString(data)
    assert event.wall_time == wall_time
    assert event.session_log.status == SessionLog.CHECKPOINT


@given(
    st.lists(sections(), min_size=1, max_size=5, unique_by=lambda section: section.session),
    st.integers(10**6, 10**18),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_length_and_names_are_read_without_parsing(
    found: list[Section], event_bytes: int, wall_time: float
) -> None:
    data = marks.encode(found, event_bytes, wall_time)
    assert marks.event_bytes(data) == event_bytes
    assert marks.names(data) == [section.session.hex().encode() for section in found]


def test_what_is_no_mark_has_no_length() -> None:
    for data in (b"", b"tbxd:1:", b"tbxd:1::", b"tbxd:1:-5:", b"tbxd:1:x:", b"tbxd:1:" + b"9" * 40):
        assert marks.event_bytes(data) is None
    assert marks.event_bytes(scalar("tag", 1, 1.0, 0.5)) is None


def test_the_text_is_as_specified() -> None:
    data = marks.encode([Section(A, 0, 90, 2), Section(B, 5, 7, 0, 3)], 100, 1.0)
    assert Event.FromString(data).session_log.checkpoint_path == (
        f"tbxd:1:100:{'aa' * 16},0,90,2,0;{'bb' * 16},5,7,0,3"
    )


HEX = "aa" * 16


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tbxd:1:",
        "tbxd:1:100:",
        "/models/checkpoint-100",
        f"tbxd:2:100:{HEX},0,90,2,0",
        f"tbxd:1:100:{HEX},0,90,2,0;",
        f"tbxd:1:100:{HEX},0,90,2",
        f"tbxd:1:100:{HEX},0,90,2,0,0",
        f"tbxd:1:100:{HEX},0,90,2,0\n",
        f"tbxd:1:100:{HEX},90,0,2,0",
        f"tbxd:1:100:{HEX},-1,90,2,0",
        f"tbxd:1:100:{HEX},0, 90,2,0",
        f"tbxd:1:100:{HEX},0,٩0,2,0",
        f"tbxd:1:100:{HEX.upper()},0,90,2,0",
        f"tbxd:1:100:{HEX[2:]},0,90,2,0",
        f"tbxd:1:100:{HEX},0,{'9' * 20},2,0",
        f"tbxd:1:{'9' * 5000}:{HEX},0,90,2,0",
        f"tbxd:1:100:{HEX},0,90,2,1",
        f"tbxd:1:31:{HEX},0,90,2,0",
        f"tbxd:1:100:{HEX},0,90,1,0;{HEX},90,95,1,0",
    ],
)
def test_any_other_text_is_no_mark(text: str) -> None:
    assert marks.parse_text(text) is None
    log = SessionLog(status=SessionLog.CHECKPOINT, checkpoint_path=text)
    assert marks.parse(Event(session_log=log).SerializeToString()) is None


@given(st.binary(max_size=80))
@example(b"tbxd:1:")
@example(b":\x80tbxd:1:")
def test_any_other_bytes_are_no_mark(data: bytes) -> None:
    assert marks.parse(data) is None


def test_another_event_that_quotes_a_mark_is_none() -> None:
    text = f"tbxd:1:100:{HEX},0,90,2,0"
    assert marks.parse(scalar(text, 1, 1.0, 0.5)) is None
    started = SessionLog(status=SessionLog.START, checkpoint_path=text)
    assert marks.parse(Event(session_log=started).SerializeToString()) is None
