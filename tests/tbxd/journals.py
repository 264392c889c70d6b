"""Journals as a client leaves them behind, built from the format alone."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from tbxd_wire import messages, places, segment
from tbxd_wire.limits import SEGMENT_HEAD_BYTES
from tbxd_wire.messages import Hello


def write_segment(
    directory: Path,
    hello: Hello,
    slot: int,
    base: int,
    frames: bytes,
    *,
    used: int | None = None,
    released: int = 0,
    shed: int = 0,
    ended: bool = False,
    known: bool = False,
) -> Path:
    """Write one segment file; nobody holds its lock."""
    data = bytearray(SEGMENT_HEAD_BYTES) + frames
    head = memoryview(data)
    (introduction,) = messages.encode(hello)
    segment.write_head(head, hello.session, base, bytes(introduction))
    words = segment.words(head)
    words[segment.USED] = len(frames) if used is None else used
    words[segment.RELEASED] = released
    words[segment.SHED] = shed
    words[segment.ENDED] = ended
    words[segment.KNOWN] = known
    path = directory / places.journal_name(hello.session, slot)
    path.write_bytes(data)
    return path


def hold(path: Path) -> int:
    """Lock a segment as its living writer does; return the descriptor to close."""
    descriptor = os.open(path, os.O_RDWR)
    fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def spoil(path: Path, offset: int) -> None:
    """Flip the bits of the byte at ``offset`` behind the head."""
    with path.open("r+b") as file:
        file.seek(SEGMENT_HEAD_BYTES + offset)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 0xFF]))
