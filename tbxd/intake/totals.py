"""What was counted of all sessions together, also of those that are forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tbxd_wire.limits import POSITION_MAX

from .entry import Entry
from .refusals import Refusals


@dataclass(slots=True)
class Totals:
    """Sums over sessions; each of them as in :class:`Entry`.

    Of what clients only claim, no sum grows beyond POSITION_MAX: a report could not carry it.
    """

    sessions: int = 0
    records: int = 0
    bytes: int = 0
    shed: int = 0
    refused: int = 0
    unknown: int = 0
    gap_bytes: int = 0
    steps_back: int = 0
    refusals: Refusals = field(default_factory=Refusals)

    def add(self, entry: Entry) -> None:
        """Count a session."""
        self.sessions += 1
        self.records += entry.records
        self.bytes += entry.bytes
        self.shed = min(self.shed + entry.shed, POSITION_MAX)
        self.refused += entry.refused
        self.unknown += entry.unknown
        self.gap_bytes = min(self.gap_bytes + entry.session.gap_bytes, POSITION_MAX)
        self.steps_back += entry.steps_back
        self.refusals.add(entry.refusals)

    def copy(self) -> Totals:
        """Return totals that go on from these."""
        refusals = Refusals()
        refusals.add(self.refusals)
        return replace(self, refusals=refusals)

    def facts(self) -> dict[str, Any]:
        """Return what `tbxd status` shows of them."""
        numbers = {name: getattr(self, name) for name in self.__slots__ if name != "refusals"}
        return numbers | {"refused_by_reason": self.refusals.by_reason}
