"""CUSTOM_SCALARS: the layout of charts that show several curves.

The custom_scalars plugin reads a string tensor without dimensions, which holds the layout. Of one
run it shows the layout that was logged last, and it merges those of several runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tbxd.proto.event_pb2 import DT_STRING
from tbxd.proto.plugins_pb2 import Chart, Layout
from tbxd_wire.errors import RecordError
from tbxd_wire.records import Record

from .event import begin
from .fields import text_of, value_of

TAG = "custom_scalars__config__"

_PLUGIN = "custom_scalars"
_MULTILINE = "Multiline"
_MARGIN = "Margin"
_MARGIN_TAGS = 3
"""A margin chart's value, its lower and its upper bound."""


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of a CUSTOM_SCALARS record."""
    layout = Layout()
    for given in _list_of(value_of(record), "a layout"):
        title, charts = _fields_of(given, "a category", ("title", "charts"))
        category = layout.category.add(title=text_of(title, "the title of a category"))
        for chart in _list_of(charts, "the charts of a category"):
            _fill(category.chart.add(), chart)
    event = begin(record)
    value = event.summary.value.add(tag=TAG)
    value.metadata.plugin_data.plugin_name = _PLUGIN
    value.tensor.dtype = DT_STRING
    value.tensor.tensor_shape.SetInParent()
    value.tensor.string_val.append(layout.SerializeToString())
    return [("", event.SerializeToString())]


def tags(record: Record) -> Iterable[str]:
    """Return the tag of every layout."""
    return (TAG,)


def _fill(chart: Chart, given: Any) -> None:
    title, form, names = _fields_of(given, "a chart", ("title", "type", "tags"))
    chart.title = text_of(title, "the title of a chart")
    found = [text_of(name, "a tag of a chart") for name in _list_of(names, "the tags of a chart")]
    if form == _MULTILINE:
        chart.multiline.SetInParent()
        chart.multiline.tag.extend(found)
    elif form == _MARGIN:
        if len(found) != _MARGIN_TAGS:
            raise RecordError(f"a margin chart has {_MARGIN_TAGS} tags, not {len(found)}")
        value, lower, upper = found
        chart.margin.series.add(value=value, lower=lower, upper=upper)
    else:
        raise RecordError(f"a chart is {_MULTILINE!r} or {_MARGIN!r}, not {form!r:.40}")


def _list_of(value: Any, name: str) -> list[Any]:
    if type(value) is not list:
        raise RecordError(f"{name} must be a list, not {type(value).__name__}")
    return value


def _fields_of(value: Any, name: str, fields: tuple[str, ...]) -> list[Any]:
    found = _list_of(value, name)
    if len(found) != len(fields):
        raise RecordError(f"{name} is [{', '.join(fields)}], not a list of {len(found)}")
    return found
