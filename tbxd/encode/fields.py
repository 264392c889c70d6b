"""The fields of a record that came from outside, checked: what every encoder begins with.

Each function returns the value with its type known, or raises RecordError that says what was
expected and what came. Nothing is converted: a client sends what its kind's record prescribes.
"""

from __future__ import annotations

from typing import Any

from tbxd_wire.errors import RecordError
from tbxd_wire.records import COMMON_FIELDS, Record


def value_of(record: Record) -> Any:
    """Return the first field behind the common ones."""
    if len(record) <= COMMON_FIELDS:
        raise RecordError(f"a record of kind {record[0]} has a value, this one ends before it")
    return record[COMMON_FIELDS]


def float_of(value: Any, name: str) -> float:
    """Return a float64; NaN and the infinities are values like any other."""
    if type(value) is not float:
        raise RecordError(f"{name} must be a float64, not {type(value).__name__}")
    return value


def text_of(value: Any, name: str) -> str:
    """Return a str."""
    if type(value) is not str:
        raise RecordError(f"{name} must be a str, not {type(value).__name__}")
    return value


def floats_of(value: Any, name: str) -> dict[str, float]:
    """Return a dictionary from str to float64."""
    if type(value) is not dict:
        raise RecordError(f"{name} must be a map of float64, not {type(value).__name__}")
    for key, number in value.items():
        if type(key) is not str:
            raise RecordError(f"a key of {name} must be a str, not {type(key).__name__}")
        if type(number) is not float:
            raise RecordError(
                f"{name}[{key[:40]!r}] must be a float64, not {type(number).__name__}"
            )
    return value


def fields_of(record: Record, count: int) -> list[Any]:
    """Return the first ``count`` fields behind the common ones; their types are not checked."""
    fields = record[COMMON_FIELDS : COMMON_FIELDS + count]
    if len(fields) < count:
        raise RecordError(
            f"a record of kind {record[0]} has {count} fields of its own, this one {len(fields)}"
        )
    return fields


def texts_of(value: Any, name: str) -> list[str]:
    """Return a list of str."""
    if type(value) is not list:
        raise RecordError(f"{name} must be a list of str, not {type(value).__name__}")
    for text in value:
        text_of(text, f"each of {name}")
    return value
