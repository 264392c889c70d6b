"""``python -m tests.bench``: measure, show, and with ``--check`` fail on a missed budget."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from . import backends, measurements
from .budgets import LINES
from .report import Verdict, as_json, machine, report
from .rounds import Results, Task, WorkerFailed, plan, run
from .table import show

_FILE_COLUMNS = 150
"""Width of the table where there is no terminal to ask."""


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="Rounds.")
@click.option("--quick", is_flag=True, help="Tiny sizes: shows that the bench runs, no more.")
@click.option("--long", "long_", is_flag=True, help="Also log 10 million scalars flat out.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice([one.name for one in measurements.MEASUREMENTS]),
    help="Measure this alone (repeatable).",
)
@click.option(
    "--backend",
    "backend_names",
    multiple=True,
    type=click.Choice([one.name for one in backends.MEASURED]),
    help="Measure this backend alone (repeatable).",
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all figures.")
@click.option("--check", is_flag=True, help="Exit with 1 if a budget is missed.")
def main(
    rounds: int,
    quick: bool,
    long_: bool,
    only: tuple[str, ...],
    backend_names: tuple[str, ...],
    json_path: Path | None,
    check: bool,
) -> None:
    """Run tbxd, tensorboardX and torch.utils.tensorboard side by side."""
    before = machine()
    chosen = [
        one
        for one in measurements.MEASUREMENTS
        if (one.name in only if only else long_ or not one.once)
    ]
    subjects = [one for one in backends.MEASURED if not backend_names or one.name in backend_names]
    try:
        results = _run_with_progress(plan(chosen, subjects, rounds), "quick" if quick else "full")
    except WorkerFailed as failed:
        raise click.ClickException(str(failed)) from failed
    reported = report(LINES, results)
    show(_console(), reported, results, before)
    if json_path is not None:
        options = {"rounds": rounds, "quick": quick, "long": long_}
        json_path.write_text(json.dumps(as_json(reported, results, options, before), indent=1))
    missed = [one.line for one in reported if one.verdict is Verdict.MISSED]
    if check and missed:
        for line in missed:
            click.echo(f"budget missed: {line.measurement}: {line.title.strip()}", err=True)
        raise SystemExit(1)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_FILE_COLUMNS)


def _run_with_progress(tasks: list[Task], sizes_name: str) -> Results:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=len(tasks))

        def started(task: Task) -> None:
            description = f"round {task.round + 1}: {task.measurement.name}, {task.backend.name}"
            progress.update(bar, description=description, completed=tasks.index(task))

        return run(tasks, sizes_name, started)


if __name__ == "__main__":
    main()
