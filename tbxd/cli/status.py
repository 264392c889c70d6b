"""``tbxd status``: how the daemon and its sessions stand, as a table or as JSON."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import click

from tbxd.ask import ask
from tbxd.counted import counted

from .options import directory_option

_FILE_COLUMNS = 200
_NOT_TAKEN = {
    "left_alone": ("journal is left alone", "journals are left alone"),
    "turned_away": ("time a session was turned away", "times a session was turned away"),
}
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@click.command("status")
@directory_option
@click.option("--json", "as_json", is_flag=True, help="Print all facts as one JSON object.")
def command(directory: str, as_json: bool) -> None:
    """Show how the daemon and its sessions stand.

    Exits with 0; with 3 if no daemon answers, and with 1 if the runtime directory cannot be
    trusted.
    """
    facts = ask(directory)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        _show(facts)


def _show(facts: dict[str, Any]) -> None:
    """Print the daemon in two lines and its sessions in a table, grouped by run."""
    # Imported here: half of the command's time, and JSON needs none of it.
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        # Nobody's window: whoever reads this by a program or from a file wants whole lines.
        console.width = _FILE_COLUMNS
    daemon = facts["daemon"]
    console.print(
        f"[bold]tbxd {daemon['version']}[/bold], pid {daemon['pid']},"
        f" up {_duration(daemon['uptime_s'])}, {_size(daemon['rss_bytes'])} resident,"
        f" {counted(daemon['sessions'], 'live session')},"
        f" {counted(daemon['journals_waiting'], 'journal')} waiting,"
        f" {counted(daemon['malformed_messages'], 'malformed message')}"
    )
    console.print(escape(daemon["directory"]), style="dim")
    if daemon["times_full"]:
        console.print(
            f"{counted(daemon['connections'], 'connection')} of {daemon['connections_limit']:,}"
            f" that there can be; {counted(daemon['times_full'], 'time')} there were as many"
        )
    for what, words in _NOT_TAKEN.items():
        for reason, count in daemon[f"{what}_by_reason"].items():
            console.print(escape(f"{counted(count, *words)}: {reason}"))
    by_run: dict[str, list[dict[str, Any]]] = {}
    for session in facts["sessions"]:
        by_run.setdefault(session["run"], []).append(session)
    if not by_run:
        console.print("no sessions")
    for run, sessions in by_run.items():
        table = Table(
            box=SIMPLE_HEAD, title=escape(run), title_justify="left", title_style="bold", padding=0
        )
        table.add_column("role", overflow="fold")
        for name in ("pid", "state", "records", "bytes", "rate/s", "lag s", "shed", "last step"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("remarks", overflow="fold")
        for session in sessions:
            table.add_row(*map(escape, _row(session)))
        console.print(table)


def _row(session: dict[str, Any]) -> list[str]:
    """Return the cells of one session; the last one is empty when all is well."""
    state = session["state"]
    if state == "died" and session["last_wall_time"] is not None:
        # A caller may have given any number.
        with contextlib.suppress(ValueError, OverflowError, OSError):
            state += time.strftime(" %H:%M:%S", time.localtime(session["last_wall_time"]))
    last_step = session["last_step"]
    return [
        session["role"] or "(run)",
        str(session["pid"]),
        state,
        f"{session['records']:,}",
        _size(session["bytes"]),
        f"{session['rate']:,.0f}",
        f"{session['lag_s']:.1f}",
        f"{session['shed']:,}",
        "-" if last_step is None else str(last_step),
        "; ".join(_remarks(session)),
    ]


def _remarks(session: dict[str, Any]) -> Iterator[str]:
    """Yield what is worth knowing of a session that does not go as it should."""
    if session["cause"]:
        yield f"died of {session['cause']}"
    if session["trouble"]:
        yield session["trouble"]
    if session["recovering"]:
        yield "its journal is being read"
    if session["gap_bytes"]:
        yield f"{counted(session['gap_bytes'], 'byte')} lost"
    for reason, count in session["refused_by_reason"].items():
        yield f"{counted(count, 'record')} refused: {reason}"
    if session["steps_back"]:
        yield f"steps that went back: {session['steps_back']:,}"


def _size(count: float) -> str:
    """Return ``count`` bytes in the largest unit of which there is at least one."""
    unit = 0
    while count >= 1024 and unit < len(_UNITS) - 1:
        count /= 1024
        unit += 1
    return f"{count:.0f} {_UNITS[unit]}" if unit == 0 else f"{count:.1f} {_UNITS[unit]}"


def _duration(seconds: float) -> str:
    """Return ``seconds`` as days, hours, minutes and seconds, from the first that is not 0."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    parts = [(days, "d"), (hour, "h"), (minute, "min"), (second, "s")]
    while len(parts) > 1 and parts[0][0] == 0:
        parts.pop(0)
    return " ".join(f"{value} {unit}" for value, unit in parts)
