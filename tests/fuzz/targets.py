"""The table of targets: a new parser gets a function, its seeds and a row here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import parsers, seeds
from .conversation import conversation
from .journal import journal


@dataclass(frozen=True, slots=True)
class Target:
    """What is fuzzed."""

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    slow: bool = False
    """Whether it takes milliseconds."""


TARGETS = {
    "frame": Target(parsers.frames, seeds.frames),
    "message": Target(parsers.message, seeds.message),
    "record": Target(parsers.record, seeds.record),
    "encode": Target(parsers.encoding, seeds.record, slow=True),
    "segment": Target(parsers.head, seeds.head),
    "journal": Target(journal, seeds.journal, slow=True),
    "conversation": Target(conversation, seeds.conversation, slow=True),
}
