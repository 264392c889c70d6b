"""How far each session may run ahead of its acknowledgements, so that all of them together fit.

A grant is a window: a session may have sent up to ``committed + window``. With n sessions that
share the memory limit M each gets the largest power of two that is at most M / n, never above
WINDOW_BYTES and not below CUT_BYTES::

    n * window <= M        for every n up to M / CUT_BYTES  (4096 with the defaults)

Powers of two keep the window still while sessions come and go: it halves when their number
doubles. With more sessions than that the window is one byte, which a client may exceed by one
batch cut (its own rule: one batch while it is below its limit), so that each goes on in turn.
"""

from __future__ import annotations

from tbxd_wire.limits import CUT_BYTES, WINDOW_BYTES

EXHAUSTED_WINDOW_BYTES = 1
"""One batch at a time."""


def window(memory_limit_bytes: int, sessions: int) -> int:
    """Return the window in bytes of each of ``sessions`` sessions."""
    share = memory_limit_bytes // max(sessions, 1)
    if share < CUT_BYTES:
        return EXHAUSTED_WINDOW_BYTES
    return min(1 << (share.bit_length() - 1), WINDOW_BYTES)
