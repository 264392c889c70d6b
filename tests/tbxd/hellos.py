"""Sessions and frames for the daemon's tests."""

from __future__ import annotations

import os

from tbxd_wire import frame, records
from tbxd_wire.limits import PROTOCOL_NEWEST, PROTOCOL_OLDEST
from tbxd_wire.messages import Hello


def hello_of(
    run: str = "/runs/one",
    *,
    session: bytes | None = None,
    position: int = 0,
    known: bool = False,
    role: str = "",
    suffix: str = "",
    job: str = "",
    oldest: int = PROTOCOL_OLDEST,
    newest: int = PROTOCOL_NEWEST,
) -> Hello:
    """Return a hello of a new session, or of the one given."""
    return Hello(
        session=os.urandom(16) if session is None else session,
        oldest=oldest,
        newest=newest,
        position=position,
        known=known,
        run=run,
        role=role,
        pid=os.getpid(),
        host="somewhere",
        suffix=suffix,
        job=job,
        started=1.7e9,
    )


def scalar_frame(step: int, value: float | None = None, tag: str = "loss") -> bytes:
    """Return the frame of one plain scalar."""
    number = float(step) if value is None else value
    return frame.encode(records.pack((records.SCALAR, tag, step, 1.7e9 + step, number)))


def scalar_frames(begin: int, end: int, tag: str = "loss") -> bytes:
    """Return the frames of the scalars of the steps ``begin`` to ``end`` - 1."""
    return b"".join(scalar_frame(step, tag=tag) for step in range(begin, end))
