"""What the daemon itself says in a run: how its sessions fared, and what was lost.

No record of any journal stands behind these events, and their tags begin with ``tbxd/``.
"""

from __future__ import annotations

from . import scalar, text

LIFECYCLE_TAG = "tbxd/lifecycle"
"""Texts: when a process began to log there, and how that ended."""

SHED_TAG = "tbxd/shed"
"""Scalars: how many records a process has refused so far because its journal was full."""

REFUSED_TAG = "tbxd/refused"
"""Scalars: how many records of a process could not be written so far, whatever the reasons."""

LOST_TAGS = (SHED_TAG, REFUSED_TAG)


def is_note(tag: str) -> bool:
    """Return whether the daemon itself writes under ``tag``."""
    return tag in (LIFECYCLE_TAG, *LOST_TAGS)


def lifecycle(markdown: str, step: int, wall_time: float) -> bytes:
    """Return the serialized event of a text; arguments as of :func:`tbxd.encode.text.encode`.

    What is no character, as in a path that is not UTF-8, is shown as a backslash and a number.
    """
    shown = markdown.encode(errors="backslashreplace").decode()
    return text.encode(LIFECYCLE_TAG, step, wall_time, shown)


def lost(tag: str, records: int, step: int | None, wall_time: float) -> bytes:
    """Return the serialized event that says how many ``records`` were lost in one of two ways.

    ``tag`` is one of LOST_TAGS.
    """
    return scalar.encode(tag, step, wall_time, float(records))
