"""``tbxd demo``: train a small model, kill a process on the way, and count what was lost.

Exits with 1 if a record whose call had returned is not in the event files exactly once.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

import click

from .options import directory_option


@click.command("demo")
@click.option(
    "--logdir",
    type=click.Path(file_okay=False),
    default="runs/demo",
    show_default=True,
    metavar="DIR",
    help="The run becomes a new directory in it.",
)
@directory_option
def command(logdir: str, directory: str) -> None:
    """Train a small model, kill a process on the way, and count what was lost."""
    # Imported here: to list the commands is no reason to load numpy.
    from rich.console import Console
    from rich.text import Text

    from tbxd.demo import findings, judge, notebooks, program, show

    console = Console(highlight=False)
    try:
        run_directory = _fresh_run(logdir)
    except OSError as error:
        raise click.ClickException(f"{logdir}: {error.strerror}") from None
    console.print(
        "A small network learns to tell hand-drawn digits apart. Two loader processes, one forked"
        " and one spawned, draw them and log as well; one will be killed while it does.",
    )
    with tempfile.TemporaryDirectory(prefix="tbxd-demo-") as place, show.Bar(console) as bar:
        for fact in program.run(directory, run_directory, place):
            bar.take(fact)
        bar.say("reading the event files back")
        notes = {process.role: notebooks.read(process.notebook) for process in bar.processes}
        found = findings.read(run_directory)
    accounts, elsewhere = judge.accounts(notes, found)
    console.print(show.table(bar.processes, notes, accounts))
    for remark in show.remarks(bar.processes, accounts, elsewhere):
        console.print(Text(remark))
    right = elsewhere == 0 and all(each.right for each in accounts.values())
    if right:
        console.print(Text("Nothing lost, nothing twice.", style="bold green"))
    else:
        console.print(Text("Not what was promised: see the table.", style="bold red"))
    console.print(Text(f"{bar.accuracy:.1%} of the unseen digits told right. Look at the curves:"))
    console.print(Text(f"  {show.look_command(logdir)}", style="bold"), soft_wrap=True)
    sys.exit(0 if right else 1)


def _fresh_run(logdir: str) -> str:
    """Make a directory in ``logdir`` that nobody has logged into, and return its path."""
    os.makedirs(logdir, exist_ok=True)
    name = time.strftime("%Y-%m-%d_%H-%M-%S")
    number = 1
    while True:
        path = os.path.join(logdir, name if number == 1 else f"{name}-{number}")
        try:
            os.mkdir(path)
        except FileExistsError:
            number += 1
        else:
            return path
