"""What recovery would find in a runtime directory: read from the files, through tbxd_wire alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from tbxd_wire import frame, messages, places, records, segment

Logged = Callable[[], list[records.Record]]
"""Returns all records of a test that lie in journals."""


@dataclass(frozen=True)
class Leftover:
    """The journal of one session, as its files tell it."""

    hello: messages.Hello
    slots: list[int]
    released: int
    tail: int
    shed: int
    ended: bool
    known: bool
    frames: bytes
    """From ``released`` to ``tail``."""

    @property
    def bodies(self) -> list[bytes]:
        """The records' bytes, in order."""
        return [bytes(body) for _, body in frame.walk(self.frames)]

    @property
    def records(self) -> list[records.Record]:
        """The records, in order."""
        return [records.decode(body) for body in self.bodies]


def read_session(directory: str, session: bytes) -> Leftover:
    """Read the journal of one session; fails where recovery would have to salvage."""
    found = []
    for name in os.listdir(directory):
        parsed = places.parse_journal_name(name)
        if parsed is not None and parsed[0] == session:
            with open(os.path.join(directory, name), "rb") as file:
                content = file.read()
            head = segment.read_head(content)
            assert head.session == session
            held, unreadable = segment.salvage(content, head)
            assert unreadable == 0, f"{name}: {unreadable} unreadable bytes"
            found.append((head.base, parsed[1], head, bytes(held)))
    found.sort(key=lambda each: each[:2])
    (first,) = (head for _, slot, head, _ in found if slot == 0)
    position, pieces = first.released, []
    for base, _, head, frames in found:
        if base + head.used > position:
            assert base <= position, f"nothing between {position} and {base}"
            pieces.append(frames[position - base :])
            position = base + head.used
    hello = messages.decode([first.hello])
    assert isinstance(hello, messages.Hello)
    return Leftover(
        hello=hello,
        slots=[slot for _, slot, _, _ in found],
        released=first.released,
        tail=position,
        shed=first.shed,
        ended=first.ended,
        known=first.known,
        frames=b"".join(pieces),
    )


def read_all(directory: str) -> list[Leftover]:
    """Read every journal in ``directory``, in the order in which their sessions began."""
    names = map(places.parse_journal_name, os.listdir(directory))
    sessions = {parsed[0] for parsed in names if parsed is not None}
    leftovers = [read_session(directory, session) for session in sessions]
    return sorted(leftovers, key=lambda leftover: leftover.hello.started)
