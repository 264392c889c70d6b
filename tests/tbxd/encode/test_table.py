"""The table, and what every kind promises, however hostile the record."""

from __future__ import annotations

import math
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tbxd.encode import UnknownKind, encode, tags
from tbxd.encode.table import _ROWS
from tbxd.proto.event_pb2 import Event, SessionLog
from tbxd_client.arrays import source
from tbxd_wire import layouts, records
from tbxd_wire.arrays import ITEM_BYTES
from tbxd_wire.distributions import RULES
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind
from tbxd_wire.paths import safe_relative

from .making import WALL_TIME, Anything, body_of

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


def arrays(shape: st.SearchStrategy[tuple[int, ...]], *dtypes: str) -> st.SearchStrategy[Anything]:
    """Return arrays of small shapes, of any of ``dtypes`` (default: all)."""
    found = st.sampled_from(dtypes or sorted(ITEM_BYTES))
    return st.builds(Anything, found, shape, st.binary(min_size=1, max_size=32))


def mostly(
    usual: st.SearchStrategy[Any], *others: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    return st.integers(0, 7).flatmap(lambda number: usual if number else st.one_of(*others))


extents = st.integers(0, 4) | st.sampled_from([1, 2, 3, 1 << 28])
shapes = st.lists(extents, max_size=6).map(tuple).filter(lambda shape: math.prod(shape) <= 256)
triples = st.tuples(st.integers(0, 2), st.integers(0, 3), st.just(3))
grids = st.tuples(st.integers(0, 5), st.integers(0, 5))
values = st.booleans() | st.floats() | st.text(max_size=8)
hparams = st.dictionaries(names, values, max_size=3)
charts = st.lists(
    st.tuples(names, st.sampled_from(["Multiline", "Margin"]), st.lists(names, max_size=4)),
    max_size=3,
)
matrices = st.tuples(st.integers(1, 5), st.integers(1, 5))
small = st.integers(1, 4)
texts = st.text(max_size=8)


def laid_out(layout: str) -> st.SearchStrategy[tuple[int, ...]]:
    """Return shapes of as many dimensions as a layout has letters."""
    return mostly(st.tuples(*[small for _ in layout]), shapes)


def texts_for(count: int) -> st.SearchStrategy[Any]:
    """Return labels, one for each of so many things, or None."""
    return mostly(st.none() | st.lists(texts, min_size=count, max_size=count), st.lists(texts))


def pictures_of(layout: str) -> st.SearchStrategy[tuple[Any, ...]]:
    alone = arrays(laid_out(layout))
    listed = laid_out(layout.replace("N", "")).flatmap(
        lambda shape: st.lists(arrays(st.just(shape)), min_size=1, max_size=4)
    )
    return alone.map(lambda array: (array, layout)) | listed.map(
        lambda found: (found, layout.replace("N", ""))
    )


pictures = mostly(
    st.sampled_from(["HW", "CHW", "HWC", "NHW", "NCHW", "WHCN"]),
    st.sampled_from(["HWX", "HWW", "", "NCHWT"]),
).flatmap(pictures_of)
boxes = st.integers(0, 4).flatmap(
    lambda count: st.tuples(
        arrays(mostly(st.tuples(st.just(count), st.integers(4, 5)), shapes)),
        texts_for(count),
        mostly(st.floats(0.5, 20), st.floats()),
    )
)


def fields_of(contents: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Return messages of protobuf: a few fields, of which those of bytes hold ``contents``."""
    field = st.tuples(st.integers(1, 18), contents).flatmap(
        lambda found: st.sampled_from(
            [
                bytes((found[0] << 3 & 0x7F | 2, len(found[1]))) + found[1],
                bytes((found[0] << 3 & 0x7F, 1)),
                bytes((found[0] << 3 & 0x7F | 1,)) + b"\0\0\0\0\0\0\xf8\x7f",
                bytes((found[0] << 3 & 0x7F | 5,)) + b"\0\0\xc0\x7f",
            ]
        )
    )
    return st.lists(field, max_size=3).map(b"".join).filter(lambda found: len(found) < 100)


serialized = st.tuples(
    st.recursive(st.binary(max_size=3) | st.just(b"tbxd:1:"), fields_of, max_leaves=8).map(
        lambda data: Anything("uint8", (len(data),), data or b"\0")
    )
)
extents_of_nodes = st.lists(st.integers(-2, 1 << 62), max_size=3)
attributes = (
    st.tuples(st.just("s"), names)
    | st.tuples(st.just("type"), st.integers(-1, 30))
    | st.tuples(st.just("shape"), extents_of_nodes)
    | st.tuples(st.just("shapes"), st.lists(extents_of_nodes, max_size=3))
)
nodes = st.tuples(
    names, names, st.lists(names), st.dictionaries(names, attributes, max_size=3), names
)
real = [name for name in sorted(ITEM_BYTES) if not name.startswith("complex")]
bins = (
    st.sampled_from(["tensorflow", *RULES, "none"])
    | mostly(st.integers(1, 100), st.integers(-1, 1 << 40))
    | arrays(st.tuples(small), *real)
    | st.lists(st.floats(), min_size=2, max_size=5).map(lambda edges: source(sorted(edges)))
)
PLAUSIBLE: dict[Kind, st.SearchStrategy[tuple[Any, ...]]] = {
    Kind.AUDIO: st.tuples(arrays(shapes), st.integers(0, 1 << 31)),
    Kind.MESH: triples.flatmap(
        lambda shape: st.tuples(
            arrays(st.just(shape) | shapes),
            st.none() | arrays(st.just(shape)),
            st.none() | arrays(st.just(shape) | triples),
            st.text(),
        )
    ),
    Kind.SURFACE: grids.flatmap(
        lambda grid: st.tuples(
            arrays(st.sampled_from([grid, grid[1:]]) | shapes),
            arrays(st.sampled_from([grid, grid[:1]])),
            arrays(st.just(grid)),
        )
    ),
    Kind.HPARAMS: st.tuples(
        names, hparams, numbers, st.dictionaries(names, st.lists(values, max_size=2), max_size=2)
    ),
    Kind.CUSTOM_SCALARS: st.tuples(st.lists(st.tuples(names, charts), max_size=3)),
    Kind.HISTOGRAM: st.tuples(arrays(shapes), bins, mostly(st.none(), st.integers(-1, 1 << 63))),
    Kind.HISTOGRAM_RAW: small.flatmap(
        lambda count: st.tuples(
            *[st.floats()] * 5,
            arrays(mostly(st.just((count,)), shapes), *real),
            arrays(st.just((count,)), *real),
        )
    ),
    Kind.PARAMETER: st.tuples(arrays(shapes)),
    Kind.TENSOR: st.tuples(arrays(shapes)),
    Kind.PR_CURVE: shapes.flatmap(
        lambda shape: st.tuples(
            arrays(st.just(shape), *real),
            arrays(mostly(st.just(shape), shapes), *real),
            mostly(st.integers(1, 127), st.integers(-1, 1 << 40)),
            st.none() | arrays(mostly(st.just(shape) | st.just(()), shapes), *real),
        )
    ),
    Kind.PR_CURVE_RAW: st.tuples(arrays(mostly(st.tuples(st.just(6), small), shapes))),
    Kind.IMAGE: pictures,
    Kind.IMAGE_BOXES: st.tuples(pictures, boxes).map(lambda parts: parts[0] + parts[1]),
    Kind.VIDEO: st.permutations(layouts.VIDEO).flatmap(
        lambda letters: st.tuples(
            arrays(laid_out("".join(letters))),
            st.just("".join(letters)),
            mostly(st.floats(0.1, 100), st.floats()),
        )
    ),
    Kind.CURVE: small.flatmap(
        lambda count: st.tuples(
            arrays(mostly(st.just((count,)), shapes)),
            arrays(st.just((count,))),
            st.none() | texts,
        )
    ),
    Kind.HEATMAP: matrices.flatmap(
        lambda grid: st.tuples(
            arrays(mostly(st.just(grid), shapes)),
            texts_for(grid[0]),
            texts_for(grid[1]),
            st.booleans(),
            mostly(st.lists(texts, min_size=2, max_size=2), st.lists(texts)),
        )
    ),
    Kind.GRAPH: st.tuples(st.lists(nodes, max_size=3)),
    Kind.GRAPH_DEF: serialized,
    Kind.RUN_METADATA: serialized,
    Kind.SUMMARY: serialized,
    Kind.EVENT: serialized,
}
"""Fields that are nearly, or quite, those of their kind."""


@settings(deadline=None)
@given(
    st.sampled_from(sorted(PLAUSIBLE)).flatmap(
        lambda kind: st.tuples(st.just(kind), PLAUSIBLE[kind])
    ),
    names,
    st.none() | st.integers(-5, 1 << 40),
)
def test_any_plausible_record_becomes_whole_events_or_is_refused(
    given_kind: tuple[Kind, tuple[Any, ...]], tag: str, step: int | None
) -> None:
    kind, fields = given_kind
    become_whole_events_or_are_refused(body_of(kind, tag, *fields, step=step), step, WALL_TIME)


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
    become_whole_events_or_are_refused(packed, step, 1.5)


def become_whole_events_or_are_refused(packed: bytes, step: int | None, wall_time: float) -> None:
    """Encode the body of a frame, and check what every kind promises."""
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
        assert event.wall_time == wall_time
        # An event that somebody else has serialized may have a step of its own.
        assert event.step == (step or 0) or (step is None and record[0] == Kind.EVENT)
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
