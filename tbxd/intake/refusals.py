"""How many records could not be written, by reason.

A reason may quote what a client sent, so there may be as many as records: the first REASONS_KEPT
are counted each by itself, the rest together.
"""

from __future__ import annotations

REASONS_KEPT = 8
OTHERS = "other reasons"

_REASON_CHARACTERS = 200
"""A reason's text is cut behind so many: all of them travel in a status report."""


class Refusals:
    """The refused records of one session, or of several together.

    Attributes:
        by_reason: how many for each reason; their sum is all of them.
        last: the newest reason; None if there was none.
    """

    __slots__ = ("by_reason", "last")

    def __init__(self) -> None:
        self.by_reason: dict[str, int] = {}
        self.last: str | None = None

    def count(self, reason: str, records: int = 1) -> None:
        """Count ``records`` that were refused for ``reason``."""
        self.last = reason
        key = reason[:_REASON_CHARACTERS]
        if key not in self.by_reason and len(self.by_reason) >= REASONS_KEPT:
            key = OTHERS
        self.by_reason[key] = self.by_reason.get(key, 0) + records

    def add(self, others: Refusals) -> None:
        """Count what ``others`` has counted."""
        for reason, records in others.by_reason.items():
            self.count(reason, records)
