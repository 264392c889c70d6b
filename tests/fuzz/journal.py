"""Journals of the dead, with anything in them: recovery ends, and nothing is torn.

An input is a few segments of one session: their places in its stream, the words of their heads,
their frames, and then bytes that are changed anywhere in the file.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from pathlib import Path

from tests.memory import ROOT
from tests.tbxd.journals import write_segment
from tests.tbxd.wards import Ward

from . import pieces
from .cursor import Cursor

_SESSION = b"\1" * 16
_ROLES = ["", "rank1", ".."]
_WORD_MAX = (1 << 64) - 1


def journal(data: bytes) -> None:
    """Leave a journal, and have it recovered."""
    cursor = Cursor(data)
    logging.disable(logging.CRITICAL)
    try:
        with tempfile.TemporaryDirectory(prefix="tbxd-fuzz-", dir=ROOT) as root:
            ward = Ward(Path(root))
            with contextlib.closing(ward):
                _leave(ward, cursor)
                # What has no slot 0 is found at the second look.
                ward.work_off()
                ward.work_off()
                assert not ward.recovery.busy
                for entry in ward.roster:
                    assert entry.session.committed == entry.session.accepted
                    assert not entry.working
            assert {path.name for path in Path(root).iterdir()} <= {"runs", "journals"}
            pieces.check_event_files(root)
    finally:
        logging.disable(logging.NOTSET)


def _leave(ward: Ward, cursor: Cursor) -> None:
    hello = ward.hello(session=_SESSION, role=_ROLES[cursor.byte() % len(_ROLES)])
    end = 0
    for _ in range(1 + cursor.byte() % 4):
        slot = cursor.byte() % 4
        kept = pieces.frames(cursor)
        words = cursor.byte()
        base = _number(cursor, end) if words & 1 else min(end, _WORD_MAX)
        path = write_segment(
            ward.journals,
            hello,
            slot,
            base,
            kept,
            used=_number(cursor, len(kept)) if words & 2 else None,
            released=_number(cursor, end) if words & 4 else 0,
            shed=cursor.number() if words & 8 else 0,
            ended=bool(words & 16),
            known=bool(words & 32),
        )
        end = base + len(kept)
        if words & 64:
            content = bytearray(path.read_bytes())
            for _ in range(cursor.byte() % 4):
                at = int.from_bytes(cursor.take(2), "little")
                content[at % len(content)] ^= cursor.byte()
            path.write_bytes(content[: len(content) - cursor.byte()] if words & 128 else content)


def _number(cursor: Cursor, close_to: int) -> int:
    """Return a number close to the right one, or any."""
    choice = cursor.byte()
    if choice < 128:
        return min(max(close_to + choice - 64, 0), _WORD_MAX)
    return cursor.number()
