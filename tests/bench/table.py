"""The report as a table for people. Shows, decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from .backends import MEASURED
from .figures import BOUND_SUFFIX
from .report import Reported, Spread, Verdict
from .rounds import Results

_STYLES = {Verdict.MET: "green", Verdict.MISSED: "bold red", Verdict.NONE: ""}


def show(
    console: Console, reported: Sequence[Reported], results: Results, machine: dict[str, Any]
) -> None:
    """Print the lines, and below them what one must know to read them."""
    table = Table(title="tbxd beside its peers: median over the rounds (least - most)")
    table.add_column("")
    table.add_column("unit")
    for backend in MEASURED:
        table.add_column(backend.name, justify="right")
    table.add_column("floor", justify="right")
    table.add_column("budget", justify="right")
    table.add_column("")
    section = reported[0].line.measurement if reported else ""
    for one in reported:
        if one.line.measurement != section:
            table.add_section()
            section = one.line.measurement
        cells = [
            _bound(one, backend.name, results) + _cell(one.spreads.get(backend.name))
            for backend in MEASURED
        ]
        table.add_row(
            one.line.title,
            one.line.unit,
            *cells,
            _cell(one.floor),
            _budget(one),
            f"[{_STYLES[one.verdict]}]{one.verdict.value}[/]" if one.verdict.value else "",
        )
    console.print(table)
    console.print(_footing(machine), highlight=False)


def _bound(one: Reported, backend: str, results: Results) -> str:
    marks = results.values(one.line.measurement, backend, one.line.figure + BOUND_SUFFIX)
    return "> " if any(marks) else ""


def _cell(spread: Spread | None) -> str:
    if spread is None:
        return ""
    if spread.least == spread.most:
        return _number(spread.median)
    return f"{_number(spread.median)} ({_number(spread.least)} - {_number(spread.most)})"


def _number(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _budget(one: Reported) -> str:
    if one.line.at_most is not None:
        return f"<= {_number(one.line.at_most)}"
    if one.line.at_least is not None:
        return f">= {_number(one.line.at_least)}"
    return ""


def _footing(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {found}" for name, found in machine["versions"].items())
    return (
        f"{machine['cores']} cores, nothing pinned, load {machine['load_average']:.2f} before the"
        f" first round; Python {machine['python']}, kernel {machine['kernel']}; {versions}\n"
        f"logs below {machine['log_directories']}, journals below"
        f" {machine['runtime_directories']}\n"
        "floors: msgpack + zlib crc + copy into a warm mapping (add_scalar); the same copy of an"
        " array alone (arrays); encoding and writing"
        " in batches, in the caller (rate), one by one (latency); importing msgpack and pyzmq"
        " (import); an interpreter that only imported its packages (memory)\n"
        "> marks a lower bound: records were still unreadable when the reader gave up"
    )
