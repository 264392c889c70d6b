"""From the figures of all rounds to lines with medians and verdicts, and to JSON."""

from __future__ import annotations

import enum
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from . import measurements
from .backends import TBXD
from .budgets import Line
from .place import runtime_base
from .rounds import Results


class Verdict(enum.Enum):
    """Whether a line's budget holds; a line without a budget, or not measured, has none."""

    MET = "met"
    MISSED = "missed"
    NONE = ""


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure of one backend over the rounds."""

    median: float
    least: float
    most: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread | None:
        """Return the spread of ``values``, None where there are none."""
        if not values:
            return None
        return Spread(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Reported:
    """One line as measured."""

    line: Line
    spreads: dict[str, Spread]
    """By backend's name; of a ratio, under tbxd's name alone."""

    floor: Spread | None
    verdict: Verdict


def report(lines: Sequence[Line], results: Results) -> list[Reported]:
    """Return those lines that something was measured for."""
    reported = [_report_line(line, results) for line in lines]
    return [one for one in reported if one.spreads]


def _report_line(line: Line, results: Results) -> Reported:
    measurement = measurements.BY_NAME[line.measurement]

    def spread(backend: str) -> Spread | None:
        return Spread.of(results.values(line.measurement, backend, line.figure))

    if line.floor_share is not None and measurement.floor is not None:
        times, plus = line.floor_share
        ours = results.values(line.measurement, TBXD.name, line.figure)
        floors = results.values(line.measurement, measurement.floor.name, line.figure)
        shares = [mine / (times * one + plus) for mine, one in zip(ours, floors, strict=False)]
        found = {TBXD.name: Spread.of(shares)}
        floor = None
    elif line.ratio_to is not None:
        ours = results.values(line.measurement, TBXD.name, line.figure)
        theirs = results.values(line.measurement, line.ratio_to, line.figure)
        ratios = [
            mine / other if line.larger_is_better else other / mine
            for mine, other in zip(ours, theirs, strict=False)
        ]
        found = {TBXD.name: Spread.of(ratios)}
        floor = None
    else:
        found = {backend.name: spread(backend.name) for backend in measurement.backends}
        floor = spread(measurement.floor.name) if measurement.floor else None
    spreads = {name: one for name, one in found.items() if one is not None}
    return Reported(line, spreads, floor, _verdict(line, spreads.get(TBXD.name)))


def _verdict(line: Line, ours: Spread | None) -> Verdict:
    if ours is None or (line.at_most is None and line.at_least is None):
        return Verdict.NONE
    low_enough = line.at_most is None or ours.median <= line.at_most
    high_enough = line.at_least is None or ours.median >= line.at_least
    return Verdict.MET if low_enough and high_enough else Verdict.MISSED


def machine() -> dict[str, Any]:
    """Return what the figures depend on besides the code."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": sys.version.split()[0],
        "load_average": os.getloadavg()[0],
        "log_directories": _filesystem(tempfile.gettempdir()),
        "runtime_directories": _filesystem(runtime_base()),
        "versions": {
            name: _version(name)
            for name in ("tensorboardX", "torch", "tensorboard", "protobuf", "pyzmq", "msgpack")
        },
    }


def _filesystem(path: str) -> str:
    best, kind = "", "unknown"
    with open("/proc/self/mounts") as mounts:
        for mount in mounts:
            _, point, found, *_ = mount.split()
            below = point == "/" or path == point or path.startswith(point + "/")
            if below and len(point) >= len(best):
                best, kind = point, found
    return f"{path} ({kind})"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def as_json(
    reported: Sequence[Reported], results: Results, options: dict[str, Any], before: dict[str, Any]
) -> dict[str, Any]:
    """Return everything that was measured, each round's figures included."""
    return {
        "machine": before,
        "options": options,
        "lines": [
            {
                **asdict(one.line),
                "title": one.line.title.strip(),
                "backends": {name: asdict(spread) for name, spread in one.spreads.items()},
                "floor": None if one.floor is None else asdict(one.floor),
                "verdict": one.verdict.value,
            }
            for one in reported
        ],
        "rounds": results.rounds,
    }
