"""What the daemon itself says in a run: how its sessions fared, and what they had to shed.

No record of any journal stands behind these events, and their tags begin with ``tbxd/``.
"""

from __future__ import annotations

from . import scalar, text

LIFECYCLE_TAG = "tbxd/lifecycle"
"""Texts: when a process began to log there, and how that ended."""

SHED_TAG = "tbxd/shed"
"""Scalars: how many records a process has refused so far because its journal was full."""


def is_note(tag: str) -> bool:
    """Return whether the daemon itself writes under ``tag``."""
    return tag in (LIFECYCLE_TAG, SHED_TAG)


def lifecycle(markdown: str, step: int, wall_time: float) -> bytes:
    """Return the serialized event of a text; arguments as of :func:`tbxd.encode.text.encode`."""
    return text.encode(LIFECYCLE_TAG, step, wall_time, markdown)


def shed(records: int, step: int | None, wall_time: float) -> bytes:
    """Return the serialized event that says how many ``records`` were shed by then."""
    return scalar.encode(SHED_TAG, step, wall_time, float(records))
