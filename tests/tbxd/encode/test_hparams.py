from __future__ import annotations

import math
from typing import Any

import pytest
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2

from tbxd.encode import encode, hparams, tags
from tbxd.proto.event_pb2 import Event
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import WALL_TIME, record_of

PARAMETERS = {"rate": 0.1, "flag": True, "kind": "adam"}
METRICS = {"hp/loss": 0.5, "hp/score": math.inf}


def event_of(*fields: Any, step: int | None = 3) -> tuple[str, Any]:
    ((place, data),) = encode(record_of(Kind.HPARAMS, "", *fields, step=step))
    return place, Event.FromString(data)


def contents(event: Any) -> dict[str, Any]:
    """Return the plugin's data by tag, read with TensorBoard's own classes."""
    found = {}
    for value in event.summary.value:
        plugin = value.metadata.plugin_data
        if plugin.plugin_name:
            assert plugin.plugin_name == "hparams"
            assert value.WhichOneof("value") is None
            found[value.tag] = plugin_data_pb2.HParamsPluginData.FromString(plugin.content)
    return found


def test_one_event_holds_the_session_and_its_metrics() -> None:
    place, event = event_of("trial/7", PARAMETERS, METRICS, {})
    assert place == "trial/7"
    assert (event.step, event.wall_time) == (3, WALL_TIME)
    assert [value.tag for value in event.summary.value] == [
        "_hparams_/experiment",
        "_hparams_/session_start_info",
        "_hparams_/session_end_info",
        "hp/loss",
        "hp/score",
    ]
    assert [value.simple_value for value in event.summary.value[3:]] == [0.5, math.inf]
    assert list(tags(record_of(Kind.HPARAMS, "", "", PARAMETERS, METRICS, {}))) == [
        value.tag for value in event.summary.value
    ]


def test_what_the_plugin_reads() -> None:
    _, event = event_of("", PARAMETERS, METRICS, {"flag": [True, False], "kind": []})
    found = contents(event)
    experiment = found[hparams.EXPERIMENT_TAG].experiment
    assert [(each.name, each.type) for each in experiment.hparam_infos] == [
        ("rate", api_pb2.DATA_TYPE_FLOAT64),
        ("flag", api_pb2.DATA_TYPE_BOOL),
        ("kind", api_pb2.DATA_TYPE_STRING),
    ]
    rate, flag, kind = experiment.hparam_infos
    assert not rate.HasField("domain_discrete")
    assert list(flag.domain_discrete) == [True, False]
    assert kind.HasField("domain_discrete")
    assert list(kind.domain_discrete) == []
    assert [each.name.tag for each in experiment.metric_infos] == ["hp/loss", "hp/score"]
    start = found[hparams.START_TAG].session_start_info.hparams
    assert start["rate"].number_value == 0.1
    assert start["flag"].WhichOneof("kind") == "bool_value"
    assert start["kind"].string_value == "adam"
    assert found[hparams.END_TAG].session_end_info.status == api_pb2.STATUS_SUCCESS


def test_the_same_record_makes_the_same_bytes() -> None:
    many = {f"parameter {number}": float(number) for number in range(200)}
    first = encode(record_of(Kind.HPARAMS, "", "", many, {}, {}))
    assert all(encode(record_of(Kind.HPARAMS, "", "", many, {}, {})) == first for _ in range(5))
    ((_, data),) = first
    start = contents(Event.FromString(data))[hparams.START_TAG].SerializeToString(
        deterministic=True
    )
    assert start in data


def test_nothing_is_a_session_as_well() -> None:
    place, event = event_of("", {}, {}, {}, step=None)
    assert place == ""
    assert len(event.summary.value) == 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((), "has 4 fields, this one 0"),
        (("", {}, {}), "has 4 fields, this one 3"),
        ((None, {}, {}, {}), "sub-run of hparams must be a str, not NoneType"),
        (("../a", {}, {}, {}), "component that names no place"),
        (("/a", {}, {}, {}), "is absolute"),
        (("a" * 300, {}, {}, {}), "300 bytes"),
        (("", [], {}, {}), "hparams must be a map, not list"),
        (("", {b"a": 1.0}, {}, {}), "name of an hparam must be a str, not bytes"),
        (("", {"a": 1}, {}, {}), "'a' must be a bool, a float64 or a str, not int"),
        (("", {"a": None}, {}, {}), "not NoneType"),
        (("", {}, {"m": 1}, {}), r"\['m'\] must be a float64, not int"),
        (("", {}, [], {}), "metrics of hparams must be a map"),
        (("", {}, {}, []), "domains of hparams must be a map, not list"),
        (("", {}, {}, {"a": []}), "'a', which is no hparam"),
        (("", {"a": 1.0}, {}, {b"a": []}), "b'a', which is no hparam"),
        (("", {"a": 1.0}, {}, {"a": {}}), "must be a list, not dict"),
        (("", {"a": 1.0}, {}, {"a": [True]}), "must be of float as the hparam itself, not bool"),
        (("", {"a": 1.0}, {}, {"a": [math.nan]}), "must be finite, not nan"),
    ],
)
def test_refusals(fields: tuple[Any, ...], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        encode(record_of(Kind.HPARAMS, "", *fields))
    with pytest.raises(RecordError, match=message):
        tags(record_of(Kind.HPARAMS, "", *fields))
