"""Where a fuzzer begins: the golden files, and inputs that reach each choice of a target."""

from __future__ import annotations

from pathlib import Path

import tests.wire.golden
from tbxd_wire import messages, segment
from tbxd_wire.limits import SEGMENT_HEAD_BYTES
from tests.tbxd.hellos import hello_of

from .cursor import some
from .parsers import HEAD_BYTES

_GOLDEN = Path(tests.wire.golden.__file__).parent


def golden(pattern: str) -> list[bytes]:
    """Return the golden files whose names match, none of them large."""
    return [path.read_bytes() for path in sorted(_GOLDEN.glob(pattern))]


def frames() -> list[bytes]:
    """Frames as they are, and such as will be mended."""
    return [lead + each for each in golden("frames-*.bin") for lead in (b"\0", b"\1")]


def message() -> list[bytes]:
    """Messages of each type."""
    name = bytes(range(16))
    each: list[messages.Message] = [
        hello_of("/runs/one", session=name),
        messages.Welcome(name, 1, 2, 3),
        messages.Batch(name, 1, 2, 3, b"frames"),
        messages.Ack(name, 1, 2),
        messages.Resync(name),
        messages.Bye(name, 1, 2),
        messages.Reject(name, "why"),
        messages.Notice(name, "trouble"),
        messages.Refused(name, 1, "why"),
        messages.Status(name),
        messages.Report(name, {"daemon": {"pid": 1, "list": [1.5, None, True]}}),
    ]
    return [
        bytes([len(parts) - 1]) + b"".join(some(bytes(part)) for part in parts)
        for parts in map(messages.encode, each)
    ]


def record() -> list[bytes]:
    """A record of each kind."""
    return golden("record-*.bin")


def head() -> list[bytes]:
    """A segment, its head cut short."""
    return [
        each[:HEAD_BYTES] + each[SEGMENT_HEAD_BYTES:] + odd
        for each in golden("segment-*.bin")
        for odd in (b"\0", b"\1")
    ]


def conversation() -> list[bytes]:
    """Scripts of a few steps each, see :mod:`.conversation`."""
    # Name, versions, role and suffix, position; name, position, shed; name, position, shed.
    hello, batch, bye = b"\1\0\0\0\0", b"\2\0\0\0", b"\3\0\0\0"
    status, turn, wait = b"\4", b"\5", b"\7\x50"
    # How many pieces, and for each its number in the table.
    scalars, garbage = b"\3\0\2\1", b"\2\0\x80" + some(b"\x10\0\0\0garbage")
    raw = [b"\0" + bytes([len(parts)]) + b"".join(map(some, parts)) for parts in ([b"\x93\5"], [])]
    found = [
        hello + batch + scalars + turn + bye + status + wait,
        hello + batch + garbage + turn + batch + scalars + hello,
        hello + b"\1\x82\3\x82\0" + batch + scalars + b"\2\x82\xa0\3\0" + scalars + wait + status,
        batch + scalars + hello + batch + scalars + b"\3\0\xa0\3\1" + batch + scalars,
        *raw,
    ]
    kinds = [hello + batch + bytes([1, 2 * number]) for number in range(40)]
    return [*found, *kinds, *(b"\0" + each for each in message())]


def journal() -> list[bytes]:
    """Journals of one to three segments, see :mod:`.journal`."""
    sound, released = b"\3\0\2\1\0", b"\2\0\2\4\x47"
    flipped, short = b"\3\0\2\1\x40\1\0\x20\x10", b"\2\0\2\xc0\0\7"
    apart, longer = b"\1\2\1\x50", b"\1\2\2\xff" + b"\xff" * 8
    kinds = [bytes([0, 0, 0, 1, 2 * number, 0]) for number in range(40)]
    return [
        b"\0\0\0" + sound,
        b"\1\1\0" + sound + b"\1" + sound,
        b"\0\2\0" + released + b"\1" + apart + b"\2" + longer,
        b"\0\2\1" + flipped + b"\0" + sound + b"\2" + short,
        *kinds,
    ]


assert segment.WORDS_END < HEAD_BYTES
