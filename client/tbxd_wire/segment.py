"""How frames lie in one file of a journal, and how to read such a file when its writer is dead.

A session's journal is a handful of segments, each a file of its own and mapped by the writer.
Slot 0 exists for as long as the session does: it carries the session's lock (see
tbxd_client.journal) and the words that describe the whole session. The others come and go.

::

    0     8 bytes  magic "TBXDSEG" and the major version, 1
    8    16 bytes  session
    24   u64       BASE      position in the session's stream of this segment's first frame
    32   u64       USED      bytes of whole frames in this segment: the commit word
    40   u64       RELEASED  (slot 0) everything before this position is committed
    48   u64       SHED      (slot 0) records refused because the journal was full
    56   u64       ENDED     (slot 0) 1 once the writer was closed in good order, 2 if that was
                             because of an exception that nobody caught
    64   u64       KNOWN     (slot 0) 1 once a daemon has welcomed the session
    72   u32, u32  length and CRC-32 of the hello, little endian
    80             the hello, one part as tbxd_wire.messages encodes it
    8192           frames, back to back

The six words are in the machine's byte order, each written by one aligned 8-byte store: a writer
that is killed between two instructions leaves the old value or the new one, never a mixture. The
writer stores a frame's bytes first and USED after them, so every frame before USED is whole; the
checksums guard against everything else (a torn page after a power cut, a flipped bit).

A segment that is used again gets USED = 0 first, then its new BASE: at no instant do old frames
stand under a new position.
"""

from __future__ import annotations

import struct
from typing import NamedTuple
from zlib import crc32

from . import frame
from .errors import SegmentError
from .limits import POSITION_MAX, SEGMENT_HEAD_BYTES, SESSION_BYTES

MAGIC = b"TBXDSEG\x01"

WORDS_OFFSET = 24
WORDS_END = 72
BASE, USED, RELEASED, SHED, ENDED, KNOWN = range(6)
"""Indices into the head's words, ``memoryview(map)[WORDS_OFFSET:WORDS_END].cast("Q")``."""

IN_ORDER, FAILED = 1, 2
"""Values of ENDED; 0 before."""

_PREFIX = struct.Struct(f"8s{SESSION_BYTES}s")
_HELLO = struct.Struct("<II")
_HELLO_OFFSET = WORDS_END + _HELLO.size
assert _PREFIX.size == WORDS_OFFSET
assert WORDS_END == WORDS_OFFSET + 8 * 6


class Head(NamedTuple):
    """The head of one segment, as read from its file."""

    session: bytes
    base: int
    used: int
    released: int
    shed: int
    ended: bool
    failed: bool
    known: bool
    hello: bytes


def words(buffer: memoryview) -> memoryview:
    """Return the head's words of a mapped segment, each assignable in one store."""
    return buffer[WORDS_OFFSET:WORDS_END].cast("Q")


def write_head(buffer: memoryview, session: bytes, base: int, hello: bytes) -> None:
    """Lay the head of a new segment into ``buffer`` (at least SEGMENT_HEAD_BYTES).

    Raises:
        SegmentError: the hello is longer than a head has room for.
    """
    if _HELLO_OFFSET + len(hello) > SEGMENT_HEAD_BYTES:
        room = SEGMENT_HEAD_BYTES - _HELLO_OFFSET
        raise SegmentError(
            f"the run directory and the session's other names take {len(hello)} bytes"
            f" in a journal's head; there is room for {room}"
        )
    _HELLO.pack_into(buffer, WORDS_END, len(hello), crc32(hello))
    buffer[_HELLO_OFFSET : _HELLO_OFFSET + len(hello)] = hello
    head_words = words(buffer)
    for index in range(len(head_words)):
        head_words[index] = 0
    head_words[BASE] = base
    # The magic last: a file without it was never finished.
    buffer[:WORDS_OFFSET] = _PREFIX.pack(MAGIC, session)


def read_head(buffer: bytes | memoryview) -> Head:
    """Return the head of a segment.

    Raises:
        SegmentError: too short, not a segment, of another major version, or a damaged hello.
    """
    view = memoryview(buffer)
    if len(view) < SEGMENT_HEAD_BYTES:
        raise SegmentError(f"{len(view)} bytes are too few for a segment's head")
    magic, session = _PREFIX.unpack_from(view)
    if magic[:-1] != MAGIC[:-1]:
        raise SegmentError("the file does not begin as a journal segment does")
    if magic != MAGIC:
        raise SegmentError(
            f"the segment is of version {magic[-1]}, this release reads version {MAGIC[-1]}"
        )
    length, checksum = _HELLO.unpack_from(view, WORDS_END)
    if length == 0:
        # Zeros that a power cut left, the words before it perhaps among them: their checksum fits.
        raise SegmentError("the hello in the head is missing")
    if _HELLO_OFFSET + length > SEGMENT_HEAD_BYTES:
        raise SegmentError(f"a hello of {length} bytes is longer than the head")
    hello = bytes(view[_HELLO_OFFSET : _HELLO_OFFSET + length])
    if crc32(hello) != checksum:
        raise SegmentError("the hello in the head is damaged")
    head_words = words(view)
    if head_words[BASE] > POSITION_MAX:
        raise SegmentError(f"no stream reaches position {head_words[BASE]}")
    return Head(
        session=session,
        base=head_words[BASE],
        # What it claims beyond the file's end is unreadable all the same.
        used=min(head_words[USED], POSITION_MAX),
        released=head_words[RELEASED],
        shed=min(head_words[SHED], POSITION_MAX),
        ended=bool(head_words[ENDED]),
        failed=head_words[ENDED] == FAILED,
        known=bool(head_words[KNOWN]),
        hello=hello,
    )


def salvage(buffer: bytes | memoryview, head: Head) -> tuple[memoryview, int]:
    """Return the whole frames of a segment and how many bytes behind them cannot be read.

    Reads no further than USED, nor than the file's end, and stops at the first frame that fails
    its checksum: what lies behind it has no reliable beginning.
    """
    view = memoryview(buffer)[SEGMENT_HEAD_BYTES:]
    claimed = view[: head.used]
    good = frame.whole(claimed)
    return claimed[:good], head.used - good
