from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.graph_pb2 import GraphDef

from tbxd.encode import encode, graph, is_slow
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import WALL_TIME, events_of, record_of

NODE = ["net/a", "aten::add", ["input/x", "b:1"], {}, ""]


def graph_of(nodes: Any) -> GraphDef:
    found = events_of(Kind.GRAPH, "", nodes, step=None)
    assert list(found) == [""]
    assert (found[""].wall_time, found[""].step) == (WALL_TIME, 0)
    return GraphDef.FromString(found[""].graph_def)


def test_every_form_of_attribute() -> None:
    attributes = {
        "attr": ["s", "{ value : ü}"],
        "dtype": ["type", 9],
        "shape": ["shape", [2, 0, -1, 1 << 62]],
        "scalar": ["shape", []],
        "_output_shapes": ["shapes", [[1, 2], []]],
        "none": ["shapes", []],
    }
    (node,) = graph_of([[*NODE[:3], attributes, "/device:CPU:0", "a later field"]]).node
    assert (node.name, node.op, list(node.input)) == ("net/a", "aten::add", ["input/x", "b:1"])
    assert node.device == "/device:CPU:0"
    assert node.attr.keys() == attributes.keys()
    assert node.attr["attr"].s.decode() == "{ value : ü}"
    assert node.attr["dtype"].type == 9
    assert [dim.size for dim in node.attr["shape"].shape.dim] == [2, 0, -1, 1 << 62]
    assert node.attr["scalar"].HasField("shape")
    shapes = node.attr["_output_shapes"].list.shape
    assert [[dim.size for dim in shape.dim] for shape in shapes] == [[1, 2], []]
    assert node.attr["none"].HasField("list")


def test_a_graph_names_its_version_whatever_it_holds() -> None:
    assert graph_of([]).versions.producer == 22
    found = graph_of([NODE, NODE])
    assert found.versions.producer == 22
    assert len(found.node) == 2


def test_the_same_record_has_the_same_bytes() -> None:
    """Protobuf promises no order of a map's entries of its own accord."""
    names = [f"attribute {number}" for number in range(50)]
    one = {name: ["type", 1] for name in names}
    other = {name: ["type", 1] for name in reversed(names)}
    first = encode(record_of(Kind.GRAPH, "", [[*NODE[:3], one, ""]]))
    assert first == encode(record_of(Kind.GRAPH, "", [[*NODE[:3], other, ""]]))


def node(**changed: Any) -> list[list[Any]]:
    fields = dict(zip(("name", "op", "inputs", "attributes", "device"), NODE, strict=True))
    return [list((fields | changed).values())]


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ("nodes", "a graph's nodes must be a list, not str"),
        (None, "a graph's nodes must be a list, not NoneType"),
        ([NODE, "node"], "a node is a list of name"),
        ([NODE[:4]], "a node is a list of name"),
        (node(name=1), "a node's name must be a str, not int"),
        (node(op=None), "a node's op must be a str"),
        (node(device=b""), "a node's device must be a str"),
        (node(inputs="ab"), "a node's inputs must be a list, not str"),
        (node(inputs=["a", 1]), "a node's input must be a str, not int"),
        (node(attributes=[]), "attributes must be a map"),
        (node(attributes={str(i): ["type", 1] for i in range(1025)}), "a map of up to 1024"),
        (node(attributes={b"a": ["type", 1]}), "an attribute's name must be a str"),
        (node(attributes={"a": None}), "an attribute is a list of its form and its value"),
        (node(attributes={"a": ["s"]}), "an attribute is a list of its form and its value"),
        (node(attributes={"a": ["x", 1]}), "an attribute has no form 'x'"),
        (node(attributes={"a": [[], 1]}), r"an attribute has no form \[\]"),
        (node(attributes={"a": ["s", 1]}), "an attribute's text must be a str, not int"),
        (node(attributes={"a": ["type", -1]}), "a type must be a number of DataType, not -1"),
        (node(attributes={"a": ["type", 1 << 31]}), "a type must be a number of DataType"),
        (node(attributes={"a": ["type", True]}), "a type must be a number of DataType, not True"),
        (node(attributes={"a": ["shape", 3]}), "a shape must be a list, not int"),
        (node(attributes={"a": ["shape", [1.0]]}), r"from -1 on, not 1\.0"),
        (node(attributes={"a": ["shape", [-2]]}), "from -1 on, not -2"),
        (node(attributes={"a": ["shape", [1 << 63]]}), "from -1 on, not 9223372036854775808"),
        (node(attributes={"a": ["shape", [1] * 255]}), "a shape must be at most 254, not 255"),
        (node(attributes={"a": ["shapes", [1]]}), "a shape must be a list, not int"),
        (node(attributes={"a": ["shapes", [[]] * 1025]}), "shapes must be at most 1024, not 1025"),
    ],
)
def test_a_refusal_says_what_was_expected(nodes: Any, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        encode(record_of(Kind.GRAPH, "", nodes))


def test_a_graph_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "NODES", 2)
    assert len(graph_of([NODE] * 2).node) == 2
    with pytest.raises(RecordError, match="a graph's nodes must be at most 2, not 3"):
        encode(record_of(Kind.GRAPH, "", [NODE] * 3))
    # Small in the record, large in the graph: an extent of one byte takes four.
    wide = node(attributes={"a": ["shapes", [[1] * 254] * 1024]})
    monkeypatch.setattr(graph, "FRAME_BODY_BYTES", 1 << 19)
    with pytest.raises(RecordError, match="a graph of more than 524288 bytes"):
        encode(record_of(Kind.GRAPH, "", wide))


def test_a_graph_is_slow() -> None:
    assert is_slow(record_of(Kind.GRAPH, "", [NODE]), 60)


texts = st.text(max_size=5)
extents = st.lists(st.integers(-2, 3) | st.integers(), max_size=3)
described = st.one_of(
    st.tuples(st.just("s"), texts),
    st.tuples(st.just("type"), st.integers(-1, 30)),
    st.tuples(st.just("shape"), extents),
    st.tuples(st.just("shapes"), st.lists(extents, max_size=3)),
).map(list)
nodes = st.lists(
    st.tuples(
        texts,
        texts,
        st.lists(texts, max_size=3),
        st.dictionaries(texts, described, max_size=3),
        texts,
    ).map(list),
    max_size=4,
)


@given(nodes)
def test_any_plausible_graph_is_tensorboards_or_refused(found: list[Any]) -> None:
    sizes = [
        extent
        for each in found
        for form, value in each[3].values()
        for shape in ([value] if form == "shape" else value if form == "shapes" else [])
        for extent in shape
    ]
    types = [value for each in found for form, value in each[3].values() if form == "type"]
    valid = all(-1 <= size < 1 << 63 for size in sizes) and all(kind >= 0 for kind in types)
    # A record cannot even hold what is no 64-bit integer.
    if not all(-(1 << 63) <= size < 1 << 64 for size in sizes):
        return
    if not valid:
        with pytest.raises(RecordError):
            encode(record_of(Kind.GRAPH, "", found))
        return
    read = graph_of(found)
    assert [[each.name, each.op, list(each.input)] for each in read.node] == [
        each[:3] for each in found
    ]
    assert [set(each.attr) for each in read.node] == [set(each[3]) for each in found]
