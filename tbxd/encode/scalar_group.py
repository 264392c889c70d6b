"""SCALAR_GROUP: scalars under one tag, each in a sub-run of its own, as tensorboardX lays them out.

``{"a": 1, "b": 2}`` under the tag ``losses`` becomes one event with the tag ``losses`` in each of
the directories ``losses/a`` and ``losses/b`` below the author's.
"""

from __future__ import annotations

from tbxd_wire.errors import RecordError
from tbxd_wire.paths import safe_relative
from tbxd_wire.records import Record

from . import scalar
from .fields import floats_of, value_of


def encode_record(record: Record) -> list[tuple[str, bytes]]:
    """Return the events of a SCALAR_GROUP record, each with its directory.

    Guarantees:
        The directories are pairwise different and none is the author's own.
    """
    _, tag, step, wall_time, *_ = record
    values = floats_of(value_of(record), "the value of a scalar group")
    events: dict[str, bytes] = {}
    for key, value in values.items():
        sub_run = sub_run_of(tag, key)
        if sub_run in events:
            raise RecordError(f"two keys of a scalar group name the sub-run {sub_run[:80]!r}")
        events[sub_run] = scalar.encode(tag, step, wall_time, value)
    return list(events.items())


def sub_run_of(tag: str, key: str) -> str:
    """Return the directory of one key, relative to the author's.

    Slashes at the ends and in a row count as one between two names, as a file system has it.

    Raises:
        RecordError: the names lead outside the author's directory, or nowhere.
    """
    sub_run = "/".join(part for part in f"{tag}/{key}".split("/") if part)
    if not sub_run:
        raise RecordError("a scalar group without a name: both the tag and a key are empty")
    return safe_relative(sub_run)
