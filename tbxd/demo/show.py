"""The demo for people: a bar while it works, a table when it is done, and the verdict."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import signal
import sys
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from .judge import Account
from .notebooks import Notes
from .program import Fact

_KILLED = -signal.SIGKILL

_COUNTS = {
    "calls\nreturned": "returned",
    "found in\nthe files": "found",
    "\nlost": "lost",
    "\ntwice": "twice",
}


_ABOUT_TIMES = (
    "The times are on the caller's side, with the clock that took them; a mean also holds the"
    " first call, which opens the journal, and whatever else kept the cores busy."
)


@dataclass(slots=True)
class Process:
    """One process of the training, as its facts tell."""

    role: str
    """Its directory below the run's; "" is the training process."""
    pid: int
    notebook: str
    """Path of its notebook."""
    exit_code: int = 0

    @property
    def name(self) -> str:
        """What people call it."""
        return self.role or "training"

    @property
    def end(self) -> str:
        """How it ended."""
        return "SIGKILL" if self.exit_code == _KILLED else f"exit {self.exit_code}"


class Bar:
    """The progress of one demo; a context manager.

    Attributes:
        processes: those that the facts have told of, in the order of their start.
        accuracy: the last one told, 0 to 1.
    """

    def __init__(self, console: Console) -> None:
        self.processes: list[Process] = []
        self.accuracy = 0.0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("starting", total=None)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def take(self, fact: Fact) -> None:
        """Show a fact, and remember what the table needs."""
        match fact:
            case {"say": "process"}:
                self.processes.append(Process(fact["role"], fact["pid"], fact["notebook"]))
            case {"say": "step"}:
                self.accuracy = fact["accuracy"]
                text = f"training, {self.accuracy:.1%} of the digits told right"
                self._progress.update(
                    self._task, description=text, completed=fact["step"], total=fact["steps"]
                )
            case {"say": "killed"}:
                text = f"step {fact['step']}: SIGKILL for {fact['role']} (pid {fact['pid']})"
                self._progress.print(Text(text, style="red"))
            case {"say": "ended"}:
                (ended,) = (each for each in self.processes if each.role == fact["role"])
                ended.exit_code = fact["exit_code"]
                self.say("waiting until all of it is in the event files")

    def say(self, what: str) -> None:
        """Say what is being done now."""
        self._progress.update(self._task, description=what)


def table(processes: list[Process], notes: dict[str, Notes], accounts: dict[str, Account]) -> Table:
    """Return the table of all processes and, below it, the sums; it fits into 80 columns."""
    rows = [accounts[process.role] for process in processes]
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_footer=True)
    shown.add_column("process", footer="all")
    shown.add_column("pid", justify="right")
    shown.add_column("ended by")
    for header, name in _COUNTS.items():
        total = sum(getattr(row, name) for row in rows)
        shown.add_column(header, footer=f"{total:,}", justify="right")
    shown.add_column("mean\nus/call", justify="right")
    shown.add_column("median\nus/call", justify="right")
    for process, row in zip(processes, rows, strict=True):
        note = notes[process.role]
        shown.add_row(
            *(Text(process.name), str(process.pid)),
            Text(process.end, style="red" if process.exit_code else ""),
            *(f"{row.returned:,}", f"{row.found:,}"),
            *(_count(row.lost), _count(row.twice)),
            *(f"{note.mean_us:.2f}", f"{note.median_us:.2f}"),
        )
    return shown


def _count(number: int) -> Text:
    return Text(f"{number:,}", style="bold red" if number else "")


def remarks(processes: list[Process], accounts: dict[str, Account], elsewhere: int) -> list[str]:
    """Return what the table alone does not tell, a sentence each."""
    said = [_ABOUT_TIMES]
    for process in processes:
        row = accounts[process.role]
        if row.unsettled_found is not None:
            there = "is in the file too" if row.unsettled_found else "is not in the file"
            said.append(
                f"{process.name} was killed inside a call that had not returned yet: its record"
                f" {there}, and nothing was promised about it."
            )
    strange = elsewhere + sum(row.strange for row in accounts.values())
    if strange:
        said.append(f"{strange:,} records are in the files that nobody has logged.")
    return said


def look_command(logdir: str) -> str:
    """Return the command line that shows the curves, with the way to TensorBoard if need be."""
    beside = os.path.join(os.path.dirname(sys.executable), "tensorboard")
    program = "tensorboard"
    first = ""
    if shutil.which(program) is None:
        program = beside
        if importlib.util.find_spec("tensorboard") is None:
            first = f"{shlex.quote(sys.executable)} -m pip install tensorboard && "
    return f"{first}{shlex.quote(program)} --logdir {shlex.quote(logdir)}"
