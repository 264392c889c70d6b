"""Many ruined journals at once: each of a session, and a run directory, of its own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tbxd.intake.entry import Entry
from tests.tbxd.wards import Ward

from . import journal
from .found import events_in

_TOGETHER = 50
"""So many journals does one daemon find."""


@dataclass(frozen=True, slots=True)
class Case:
    """One ruined journal."""

    name: str
    slot: int
    spoil: journal.Spoil


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    events: list[bytes]
    entry: Entry | None
    """The session; None if no head told of it."""
    left: list[tuple[int, str]]
    """The files that are still there: slot and what the name ends with."""


def recover(root: Path, cases: Iterable[Case]) -> Iterator[tuple[Case, Outcome]]:
    """Have daemons recover the cases, and yield what became of each."""
    numbers = itertools.count()
    rest = iter(cases)
    while together := list(itertools.islice(rest, _TOGETHER)):
        ward = Ward(root / f"daemon{next(numbers)}")
        hellos = [ward.hello(role=f"case{number}") for number in range(len(together))]
        for case, hello in zip(together, hellos, strict=True):
            journal.leave(ward.journals, hello, case.slot, case.spoil)
        ward.work_off()
        # Where slot 0 was set aside, or is no journal's, the others are found at the second look.
        ward.work_off()
        for case, hello in zip(together, hellos, strict=True):
            left = []
            for name in sorted(os.listdir(ward.journals)):
                session, slot, end = name.split(".", 2)
                if session == hello.session.hex():
                    left.append((int(slot), end))
            events = events_in(ward.runs / hello.role)
            yield case, Outcome(events, ward.roster.find(hello.session), left)
        ward.close()
