"""The suite's own summary: each attack, how often, what had returned, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from .judge import Verdict
from .pace import Pace


@dataclass(slots=True)
class Row:
    """One attack on one writer, all its repetitions together."""

    attack: str
    writer: str
    repetitions: int = 0
    returned: int = 0
    lost: int = 0
    twice: int = 0
    late: int = 0
    wrong: int = 0
    slowest_call_s: float | None = None
    slowest_close_s: float | None = None


@dataclass(slots=True)
class Ledger:
    """What the attacks of one test session came to."""

    rows: dict[tuple[str, str], Row] = field(default_factory=dict)

    def enter(
        self,
        attack: str,
        verdicts: Iterable[Verdict],
        writer: str = "tbxd",
        pace: Pace | None = None,
    ) -> Row:
        """Add the verdicts of one attack: the records of one repetition each."""
        row = self.rows.setdefault((attack, writer), Row(attack, writer))
        for verdict in verdicts:
            row.repetitions += 1
            row.returned += verdict.returned
            row.lost += verdict.lost
            row.twice += verdict.twice
            row.late += verdict.late
            row.wrong += verdict.wrong
        if pace is not None:
            row.slowest_call_s = max(row.slowest_call_s or 0.0, pace.slowest_call_s)
            row.slowest_close_s = max(row.slowest_close_s or 0.0, pace.slowest_close_s)
        return row

    def _place(self, attack: str) -> int:
        """Return where the first row of an attack stands: those of one attack stand together."""
        return [each for each, _ in self.rows].index(attack)

    def show(self, console: Console) -> None:
        """Print the table."""
        table = Table(title="what each attack cost")
        table.add_column("attack")
        table.add_column("writer")
        for column in ("times", "returned", "lost", "twice", "late", "wrong or torn"):
            table.add_column(column, justify="right")
        for column in ("slowest call", "slowest close()"):
            table.add_column(column, justify="right")
        for row in sorted(self.rows.values(), key=lambda row: self._place(row.attack)):
            losses = (row.lost, row.twice, row.late, row.wrong)
            times = (row.slowest_call_s, row.slowest_close_s)
            table.add_row(
                row.attack,
                row.writer,
                *(f"{count:,}" for count in (row.repetitions, row.returned, *losses)),
                *("" if time is None else f"{time * 1e3:,.3g} ms" for time in times),
            )
        console.print(table)
