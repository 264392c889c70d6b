from __future__ import annotations

from typing import Any

import pytest
from tensorboard.plugins.custom_scalar import layout_pb2

from tbxd.encode import encode, tags
from tbxd.proto.event_pb2 import DT_STRING
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import events_of, record_of

LAYOUT = [
    ["first", [["lines", "Multiline", ["a/.*", "b"]], ["band", "Margin", ["v", "l", "u"]]]],
    ["second", [["nothing", "Multiline", []]]],
    ["", []],
]


def test_a_layout_as_the_plugin_reads_it() -> None:
    event = events_of(Kind.CUSTOM_SCALARS, "", LAYOUT, step=None)[""]
    (value,) = event.summary.value
    assert value.tag == "custom_scalars__config__"
    assert value.metadata.plugin_data.plugin_name == "custom_scalars"
    assert value.tensor.dtype == DT_STRING
    assert value.tensor.HasField("tensor_shape")
    assert len(value.tensor.tensor_shape.dim) == 0
    (content,) = value.tensor.string_val
    layout = layout_pb2.Layout.FromString(content)
    assert [category.title for category in layout.category] == ["first", "second", ""]
    lines, band = layout.category[0].chart
    assert (lines.title, list(lines.multiline.tag)) == ("lines", ["a/.*", "b"])
    (series,) = band.margin.series
    assert (series.value, series.lower, series.upper) == ("v", "l", "u")
    (nothing,) = layout.category[1].chart
    assert nothing.WhichOneof("content") == "multiline"
    assert list(tags(record_of(Kind.CUSTOM_SCALARS, "", LAYOUT))) == [value.tag]


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (None, "a layout must be a list, not NoneType"),
        ([{}], "a category must be a list, not dict"),
        ([["a"]], r"a category is \[title, charts\], not a list of 1"),
        ([[1, []]], "title of a category must be a str, not int"),
        ([["a", {}]], "charts of a category must be a list, not dict"),
        ([["a", [["b", "Margin"]]]], r"a chart is \[title, type, tags\]"),
        ([["a", [[None, "Margin", []]]]], "title of a chart must be a str"),
        ([["a", [["b", "Bar", []]]]], "'Multiline' or 'Margin', not 'Bar'"),
        ([["a", [["b", None, []]]]], "'Multiline' or 'Margin', not None"),
        ([["a", [["b", "Multiline", "abc"]]]], "tags of a chart must be a list, not str"),
        ([["a", [["b", "Multiline", [1]]]]], "a tag of a chart must be a str, not int"),
        ([["a", [["b", "Margin", ["v", "l"]]]]], "has 3 tags, not 2"),
    ],
)
def test_refusals(layout: Any, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        encode(record_of(Kind.CUSTOM_SCALARS, "", layout))


def test_a_record_without_a_layout_is_refused() -> None:
    with pytest.raises(RecordError, match="ends before it"):
        encode(record_of(Kind.CUSTOM_SCALARS, ""))
