"""EMBEDDING: its event, its files, and what is refused."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd.encode import beside, encode, is_slow, tags
from tbxd.encode.table import _ROWS
from tbxd.proto.event_pb2 import Event
from tbxd_client.arrays import source
from tbxd_wire.arrays import ITEM_BYTES, Array
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import WALL_TIME, record_of

POINTS = source(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float16))
WORDS = [["a"], ["b"], ["c"]]


def picture(*shape: int, dtype: str = "uint8") -> Any:
    return source(np.zeros(shape, dtype))


def test_the_event_holds_its_time_and_step() -> None:
    record = record_of(Kind.EMBEDDING, "tag", POINTS, WORDS, None, None, step=7)
    ((place, data),) = encode(record)
    assert place == ""
    assert Event.FromString(data) == Event(wall_time=WALL_TIME, step=7)
    assert list(tags(record)) == []
    assert is_slow(record, 100)


def test_the_files() -> None:
    table = [["a", "1"], ["b", "2"], ["c", "3"]]
    fields = (POINTS, table, ["w", "n"], picture(3, 3, 4, 5))
    projection = beside(record_of(Kind.EMBEDDING, "x/y", *fields, step=7))
    assert projection is not None
    assert (projection.name, projection.place) == ("x/y:00007", "00007/x%2fy")
    assert projection.shape == (3, 2)
    assert projection.picture_size == (5, 4)
    assert list(projection.files) == ["tensors.bytes", "metadata.tsv", "sprite.png"]
    elements = projection.files["tensors.bytes"]
    assert np.frombuffer(elements, "<f4").tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert projection.files["metadata.tsv"] == b"w\tn\na\t1\nb\t2\nc\t3\n"


def test_points_alone_and_no_step() -> None:
    projection = beside(record_of(Kind.EMBEDDING, "tag", POINTS, None, None, None, step=None))
    assert projection is not None
    assert projection.name == "tag:00000"
    assert list(projection.files) == ["tensors.bytes"]
    assert projection.picture_size is None


def test_the_same_record_makes_the_same_files() -> None:
    record = record_of(Kind.EMBEDDING, "tag", POINTS, WORDS, None, picture(3, 1, 2, 2))
    assert beside(record) == beside(record)


def test_no_other_kind_has_files_beside() -> None:
    assert beside(record_of(Kind.SCALAR, "tag", 0.5)) is None
    assert [kind for kind, row in _ROWS.items() if row.beside] == [Kind.EMBEDDING]


REFUSED: dict[str, tuple[str, tuple[Any, ...]]] = {
    "no fields": ("t", ()),
    "few fields": ("t", (POINTS, None, None)),
    "no points": ("t", (None, None, None, None)),
    "vector": ("t", (source(np.zeros(3)), None, None, None)),
    "cube": ("t", (source(np.zeros((1, 1, 1))), None, None, None)),
    "no rows": ("t", (source(np.zeros((0, 3))), None, None, None)),
    "no dimensions": ("t", (source(np.zeros((3, 0))), None, None, None)),
    "complex": ("t", (source(np.zeros((3, 2), complex)), None, None, None)),
    "metadata of no list": ("t", (POINTS, "abc", None, None)),
    "few rows": ("t", (POINTS, WORDS[:2], None, None)),
    "row of no list": ("t", (POINTS, ["a", "b", "c"], None, None)),
    "row of numbers": ("t", (POINTS, [[1], [2], [3]], None, None)),
    "empty rows": ("t", (POINTS, [[], [], []], None, None)),
    "two columns without a header": ("t", (POINTS, [["a", "b"]] * 3, None, None)),
    "ragged rows": ("t", (POINTS, [["a", "b"], ["a"], ["a", "b"]], ["x", "y"], None)),
    "empty header": ("t", (POINTS, [[], [], []], [], None)),
    "header of no list": ("t", (POINTS, WORDS, "x", None)),
    "header of bytes": ("t", (POINTS, WORDS, [b"x"], None)),
    "pictures of no array": ("t", (POINTS, None, None, "x")),
    "few pictures": ("t", (POINTS, None, None, picture(2, 3, 4, 4))),
    "two channels": ("t", (POINTS, None, None, picture(3, 2, 4, 4))),
    "large sprite": ("t", (POINTS, None, None, picture(3, 1, 1, 4097))),
    "long tag": ("x" * 256, (POINTS, None, None, None)),
    "long tag when encoded": ("/" * 86, (POINTS, None, None, None)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_by_both(name: str) -> None:
    tag, fields = REFUSED[name]
    record = record_of(Kind.EMBEDDING, tag, *fields)
    with pytest.raises(RecordError):
        encode(record)
    with pytest.raises(RecordError):
        beside(record)


@pytest.mark.parametrize(
    ("tag", "place"),
    [
        ("", "00003/%"),
        ("%", "00003/%25"),
        (".", "00003/%2e"),
        ("..", "00003/%2e%2e"),
        ("...", "00003/..."),
        ("/", "00003/%2f"),
        ("../../etc/x", "00003/..%2f..%2fetc%2fx"),
        ("a\0b", "00003/a%00b"),
        ("a\\b", "00003/a%5cb"),
        ("é" * 127, "00003/" + "é" * 127),
    ],
)
def test_a_tag_never_leads_out_of_its_step(tag: str, place: str) -> None:
    projection = beside(record_of(Kind.EMBEDDING, tag, POINTS, None, None, None))
    assert projection is not None
    assert projection.place == place


def arrays(shapes: st.SearchStrategy[tuple[int, ...]]) -> st.SearchStrategy[Array]:
    """Return arrays of any dtype."""

    def build(dtype: str, shape: tuple[int, ...], random: Random) -> Array:
        size = math.prod(shape) * ITEM_BYTES[dtype]
        return Array(dtype, shape, memoryview(random.randbytes(size)))

    return st.builds(build, st.sampled_from(list(ITEM_BYTES)), shapes, st.randoms())


words = st.text(max_size=3) | st.sampled_from(["\t", "\n", ""])
anything = (
    st.none()
    | arrays(st.lists(st.integers(0, 4), max_size=5).map(tuple))
    | st.lists(words | st.integers() | st.lists(words, max_size=2), max_size=3)
)


@st.composite
def fields(draw: st.DrawFn) -> list[Any]:
    """The fields of an embedding, of which one in two has one that may not fit."""
    count, columns = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    row = st.lists(words, min_size=columns, max_size=columns)
    channels, extents = st.sampled_from([1, 3, 4]), st.integers(1, 3)
    found: list[Any] = [
        draw(arrays(st.tuples(st.just(count), extents))),
        draw(st.none() | st.lists(row, min_size=count, max_size=count)),
        draw(row) if columns > 1 else draw(st.none() | row),
        draw(st.none() | arrays(st.tuples(st.just(count), channels, extents, extents))),
    ]
    if draw(st.booleans()):
        found[draw(st.integers(0, 3))] = draw(anything)
    return found


@given(words, st.none() | st.integers(-3, 3), fields())
def test_any_record_is_whole_or_refused(tag: str, step: int | None, rest: list[Any]) -> None:
    record = [int(Kind.EMBEDDING), tag, step, 1.5, *rest]
    try:
        pairs = encode(record)
    except RecordError:
        with pytest.raises(RecordError):
            beside(record)
        return
    projection = beside(record)
    assert len(pairs) == 1
    assert projection is not None
    for name, content in projection.files.items():
        if name == "metadata.tsv":
            lines = content.decode().count("\n")
            assert lines == projection.shape[0] + (rest[2] is not None and len(rest[2]) > 1)
        elif name == "tensors.bytes":
            assert len(content) == 4 * projection.shape[0] * projection.shape[1]
