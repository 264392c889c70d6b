"""What was logged, held against what the files hold: found, lost, twice. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from .notebooks import Notes, Record


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the calls of one process."""

    returned: int
    """Calls that have returned."""
    found: int
    """Records in its event files."""
    lost: int
    """Calls that have returned and whose record is in no file of its directory."""
    twice: int
    """Records that are there more often than they were logged."""
    strange: int
    """Records that it never logged."""
    unsettled_found: bool | None
    """Whether the record of the call it was killed in is there; None: it was killed in none."""

    @property
    def right(self) -> bool:
        """Whether every record whose call has returned is there once, and nothing else."""
        return self.lost == self.twice == self.strange == 0


def account(notes: Notes, found: Counter[Record]) -> Account:
    """Hold one process's notes against what is in its directory."""
    allowed = notes.returned.copy()
    unsettled_found = None
    if notes.unsettled is not None:
        allowed[notes.unsettled] += 1
        unsettled_found = found[notes.unsettled] >= allowed[notes.unsettled]
    surplus = found - allowed
    twice = sum(count for record, count in surplus.items() if record in allowed)
    return Account(
        returned=notes.returned.total(),
        found=found.total(),
        lost=(notes.returned - found).total(),
        twice=twice,
        strange=surplus.total() - twice,
        unsettled_found=unsettled_found,
    )


def accounts(
    notes: Mapping[str, Notes], found: Mapping[str, Counter[Record]]
) -> tuple[dict[str, Account], int]:
    """Return the account of every role, and how many records lie where nobody logs."""
    ours = {role: account(each, found.get(role, Counter())) for role, each in notes.items()}
    elsewhere = sum(records.total() for role, records in found.items() if role not in notes)
    return ours, elsewhere
