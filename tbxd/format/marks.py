"""Commit marks: the bookkeeping of an event file, kept inside it.

The daemon writes in rounds. One round appends to a file, in one go, a mark and then the events
that the mark accounts for. The mark is an ordinary record that every reader skips::

    Event(wall_time, session_log = SessionLog(status = CHECKPOINT, checkpoint_path = TEXT))

    TEXT      tbxd:1:BYTES:SECTION[;SECTION ...]
    BYTES     decimal; bytes of all records of this round behind the mark, framing included. The
              next mark begins right behind them, so a reader can go from mark to mark.
    SECTION   SESSION,BEGIN,END,EVENTS,EARLIER
    SESSION   32 hex digits
    the rest  decimal; BEGIN and END are positions in the session's stream

A file the daemon writes is a header record, then rounds, and nothing else. Behind a mark lie, for
each section in order, exactly EVENTS events. A section says of its session and this directory:

- every event of the frames before BEGIN is written, in this file or in earlier ones;
- of the frames in [BEGIN, END), the first EARLIER events are in earlier files;
- if EVENTS is not 0, EARLIER is 0, and the EVENTS events behind the mark are all those of
  [BEGIN, END): once they are whole, everything before END is written.

A section with EVENTS = 0 has nothing behind it. It repeats, further on in the stream, what an
earlier file's torn round says (tbxd.format.progress tells when that is needed).

A session is named at most once in a mark, and the last mark that names it overrides the others.
Parsing trusts nothing: whatever does not follow this to the letter is no mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from tbxd.proto.event_pb2 import Event, SessionLog
from tbxd_wire.limits import SESSION_BYTES

from .tfrecord import OVERHEAD_BYTES

PREFIX = "tbxd:1:"

_PREFIX_BYTES = PREFIX.encode()
MARK_BYTES = 16 << 20
"""Longer than any mark: one that names 140,000 sessions with the largest numbers there may be."""

_LOOK_BYTES = 48
"""The text begins within this many bytes of a mark's event: behind the wall time and the lengths
and tags of three fields."""

_NUMBER_DIGITS = 19
"""So many decimal digits stay below 2**63; a position never comes near."""
_NUMBER = f"([0-9]{{1,{_NUMBER_DIGITS}}})"
_HEAD = re.compile(f"{PREFIX}{_NUMBER}:(.+)", re.ASCII)
_SECTION = re.compile(
    f"([0-9a-f]{{{2 * SESSION_BYTES}}}),{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}", re.ASCII
)
_NAME = re.compile(rb"[:;]([0-9a-f]{%d})," % (2 * SESSION_BYTES))


@dataclass(frozen=True, slots=True)
class Section:
    """What one mark says of one session; the module's head tells how to read it."""

    session: bytes
    begin: int
    end: int
    events: int
    earlier: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """One commit mark."""

    event_bytes: int
    """Bytes of all records of its round behind the mark, framing included."""
    sections: tuple[Section, ...]


def encode(sections: Iterable[Section], event_bytes: int, wall_time: float) -> bytes:
    """Return the serialized Event of a mark.

    Args:
        sections: at least one, each of another session.
        event_bytes: bytes of the records that follow, framing included.
        wall_time: seconds since 1970, finite.
    """
    text = ";".join(
        f"{section.session.hex()},{section.begin},{section.end},{section.events},{section.earlier}"
        for section in sections
    )
    log = SessionLog(status=SessionLog.CHECKPOINT, checkpoint_path=f"{PREFIX}{event_bytes}:{text}")
    return Event(wall_time=wall_time, session_log=log).SerializeToString()


def event_bytes(data: bytes) -> int | None:
    """Return what the serialized Event ``data`` says of its round's length if it is a mark.

    Looks at nothing else of it: this is for going from mark to mark.
    """
    _, prefix, behind = data[: _LOOK_BYTES + _NUMBER_DIGITS].partition(_PREFIX_BYTES)
    digits = behind.partition(b":")[0]
    return int(digits) if prefix and digits.isdigit() and len(digits) <= _NUMBER_DIGITS else None


def names(data: bytes) -> list[bytes]:
    """Return the sessions, as hex digits, that the serialized Event ``data`` names if it is a mark.

    As cheap as :func:`event_bytes`, and as little sure: :func:`parse` what matters.
    """
    return _NAME.findall(data)


def parse(data: bytes) -> Mark | None:
    """Return the mark that the serialized Event ``data`` is, or None if it is none."""
    # Nearly all events are no marks, and this tells without parsing them.
    if _PREFIX_BYTES not in data[:_LOOK_BYTES]:
        return None
    try:
        event = Event.FromString(data)
    except DecodeError:
        return None
    if event.session_log.status != SessionLog.CHECKPOINT:
        return None
    return parse_text(event.session_log.checkpoint_path)


def parse_text(text: str) -> Mark | None:
    """Return the mark of a checkpoint path, or None if it is not the text of a mark."""
    head = _HEAD.fullmatch(text)
    if head is None:
        return None
    event_bytes = int(head[1])
    sections: list[Section] = []
    for part in head[2].split(";"):
        match = _SECTION.fullmatch(part)
        if match is None:
            return None
        begin, end, events, earlier = map(int, match.group(2, 3, 4, 5))
        if begin > end or (events and earlier):
            return None
        sections.append(Section(bytes.fromhex(match[1]), begin, end, events, earlier))
    if len({section.session for section in sections}) != len(sections):
        return None
    # Every record takes its framing at least, so this bounds the counts by the file's size.
    if sum(section.events for section in sections) * OVERHEAD_BYTES > event_bytes:
        return None
    return Mark(event_bytes, tuple(sections))
