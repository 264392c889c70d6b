"""HPARAMS: the hyperparameters of a session and its metrics, in a run of its own.

The hparams plugin reads three values, all of which hold nothing but metadata: which hyperparameters
and metrics there are, the hyperparameters' values, and that the session has ended well. It takes
the metrics from the ordinary scalars of the same run. Both peers write each of these as an event;
here they are one.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any

from google.protobuf.struct_pb2 import Value

from tbxd.proto.event_pb2 import Summary
from tbxd.proto.plugins_pb2 import (
    DATA_TYPE_BOOL,
    DATA_TYPE_FLOAT64,
    DATA_TYPE_STRING,
    STATUS_SUCCESS,
    Experiment,
    HParamsPluginData,
    SessionEndInfo,
    SessionStartInfo,
)
from tbxd_wire.errors import RecordError
from tbxd_wire.paths import safe_relative
from tbxd_wire.records import COMMON_FIELDS, Record

from .event import begin
from .fields import floats_of, text_of

EXPERIMENT_TAG = "_hparams_/experiment"
START_TAG = "_hparams_/session_start_info"
END_TAG = "_hparams_/session_end_info"

_PLUGIN = "hparams"
_FIELDS = 4
_TYPES = {bool: DATA_TYPE_BOOL, float: DATA_TYPE_FLOAT64, str: DATA_TYPE_STRING}

_Parameters = dict[str, bool | float | str]
_Domains = dict[str, list[bool | float | str]]


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the event of an HPARAMS record, in the directory of its session."""
    sub_run, parameters, metrics, domains = _fields(record)
    event = begin(record)
    parts = {
        EXPERIMENT_TAG: HParamsPluginData(experiment=_experiment(parameters, metrics, domains)),
        START_TAG: HParamsPluginData(session_start_info=_start(parameters)),
        END_TAG: HParamsPluginData(session_end_info=SessionEndInfo(status=STATUS_SUCCESS)),
    }
    for tag, content in parts.items():
        _add(event.summary, tag, content)
    for tag, number in metrics.items():
        event.summary.value.add(tag=tag, simple_value=number)
    return [(sub_run, event.SerializeToString())]


def tags(record: Record) -> Iterable[str]:
    """Return the tags of everything that an HPARAMS record makes."""
    _, _, metrics, _ = _fields(record)
    return (EXPERIMENT_TAG, START_TAG, END_TAG, *metrics)


def _fields(record: Record) -> tuple[str, _Parameters, dict[str, float], _Domains]:
    """Return the checked fields: sub-run, hyperparameters, metrics, domains."""
    given = record[COMMON_FIELDS : COMMON_FIELDS + _FIELDS]
    if len(given) < _FIELDS:
        raise RecordError(f"a record of hparams has {_FIELDS} fields, this one {len(given)}")
    sub_run, parameters, metrics, domains = given
    safe_relative(text_of(sub_run, "the sub-run of hparams"))
    _check_parameters(parameters)
    _check_domains(domains, parameters)
    return sub_run, parameters, floats_of(metrics, "the metrics of hparams"), domains


def _check_parameters(parameters: Any) -> None:
    if type(parameters) is not dict:
        raise RecordError(f"hparams must be a map, not {type(parameters).__name__}")
    for name, value in parameters.items():
        if type(name) is not str:
            raise RecordError(f"the name of an hparam must be a str, not {type(name).__name__}")
        if type(value) not in _TYPES:
            raise RecordError(
                f"the hparam {name[:40]!r} must be a bool, a float64 or a str,"
                f" not {type(value).__name__}"
            )


def _check_domains(domains: Any, parameters: _Parameters) -> None:
    if type(domains) is not dict:
        raise RecordError(f"the domains of hparams must be a map, not {type(domains).__name__}")
    for name, values in domains.items():
        if type(name) is not str or name not in parameters:
            raise RecordError(f"a domain is given for {name!r:.40}, which is no hparam here")
        if type(values) is not list:
            raise RecordError(
                f"the domain of {name[:40]!r} must be a list, not {type(values).__name__}"
            )
        wanted = type(parameters[name])
        for value in values:
            if type(value) is not wanted:
                raise RecordError(
                    f"the domain of {name[:40]!r} must be of {wanted.__name__} as the hparam"
                    f" itself, not {type(value).__name__}"
                )
            # TensorBoard makes JSON of a domain, and could then show no hparams at all.
            if isinstance(value, float) and not isfinite(value):
                raise RecordError(f"the domain of {name[:40]!r} must be finite, not {value}")


def _experiment(
    parameters: _Parameters, metrics: dict[str, float], domains: _Domains
) -> Experiment:
    experiment = Experiment()
    for name, value in parameters.items():
        information = experiment.hparam_infos.add(name=name, type=_TYPES[type(value)])
        if name in domains:
            information.domain_discrete.SetInParent()
            information.domain_discrete.values.extend(map(_value, domains[name]))
    for tag in metrics:
        experiment.metric_infos.add().name.tag = tag
    return experiment


def _start(parameters: _Parameters) -> SessionStartInfo:
    start = SessionStartInfo()
    for name, value in parameters.items():
        start.hparams[name].CopyFrom(_value(value))
    return start


def _value(value: bool | float | str) -> Value:
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, float):
        return Value(number_value=value)
    return Value(string_value=value)


def _add(summary: Summary, tag: str, content: HParamsPluginData) -> None:
    plugin = summary.value.add(tag=tag).metadata.plugin_data
    plugin.plugin_name = _PLUGIN
    # A map has no order of its own, and the same record must make the same bytes.
    plugin.content = content.SerializeToString(deterministic=True)
