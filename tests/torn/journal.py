"""The journal that is torn: a few records of several kinds in three segments."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy

from tbxd_client import arrays
from tbxd_wire import frame, messages
from tbxd_wire.arrays import Array
from tbxd_wire.kinds import Kind
from tbxd_wire.limits import SEGMENT_HEAD_BYTES
from tbxd_wire.messages import Hello
from tbxd_wire.records import decode
from tests.tbxd.encode.making import frame_of
from tests.tbxd.hellos import scalar_frame
from tests.tbxd.journals import write_segment

RECORDS = 15
PER_SEGMENT = 5
SLOTS = range(RECORDS // PER_SEGMENT)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies."""

    slot: int
    begin: int
    """Offset in its segment's file."""
    elements: int
    """Where the elements of its arrays begin, which no checksum covers."""
    end: int


def record(number: int) -> bytes:
    """Return the frame of a record: they differ in kind, in length and in what they say."""
    match number % PER_SEGMENT:
        case 1:
            return frame_of(Kind.TEXT, "note", "x" * (number % 4), step=number)
        case 2:
            values = numpy.full(5, number, numpy.float32)
            fields = (arrays.source(values), "tensorflow", None)
            return frame_of(Kind.HISTOGRAM, "spread", *fields, step=number)
        case 3 if number // PER_SEGMENT == 1:
            # One of them: it is encoded beside the others, and takes most of a case's time.
            pixels = numpy.full((1, 2, 3), number, numpy.uint8)
            return frame_of(Kind.IMAGE, "picture", arrays.source(pixels), "CHW", step=number)
        case 4:
            return frame_of(Kind.SCALARS, "", {"a": float(number), "b": 0.5}, step=number)
        case _:
            return scalar_frame(number, tag="loss" * (1 + number % 2))


@functools.cache
def frames_of(slot: int) -> bytes:
    """Return the frames of one segment."""
    return b"".join(record(number) for number in range(RECORDS) if number // PER_SEGMENT == slot)


def stream() -> bytes:
    """Return the frames of all segments."""
    return b"".join(map(frames_of, SLOTS))


@functools.cache
def places() -> tuple[Place, ...]:
    """Return where each record lies."""
    found = []
    for slot in SLOTS:
        begin = SEGMENT_HEAD_BYTES
        for end, body in frame.walk(frames_of(slot)):
            end += SEGMENT_HEAD_BYTES
            elements = sum(len(each.data) for each in decode(body) if isinstance(each, Array))
            found.append(Place(slot, begin, end - elements, end))
            begin = end
    return tuple(found)


def end_of(slot: int) -> int:
    """Return the offset behind the last frame of a segment."""
    return SEGMENT_HEAD_BYTES + len(frames_of(slot))


def hello_end(hello: Hello) -> int:
    """Return the offset behind what means anything in a segment's head."""
    (introduction,) = messages.encode(hello)
    return 80 + len(introduction)


Spoil = Callable[[bytearray], None]


def leave(directory: Path, hello: Hello, slot: int, spoil: Spoil) -> None:
    """Leave a dead journal in ``directory``, the segment in ``slot`` spoiled."""
    base = 0
    for each in SLOTS:
        path = write_segment(directory, hello, each, base, frames_of(each))
        if each == slot:
            content = bytearray(path.read_bytes())
            spoil(content)
            path.write_bytes(content)
        base += len(frames_of(each))
