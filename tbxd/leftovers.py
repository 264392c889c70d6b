"""Which segments of journals lie in a runtime directory. Opens none, and never raises."""

from __future__ import annotations

import os

from tbxd_wire import places

_UNNAMED_SUFFIX = ".new"


def journals(directory: str) -> dict[bytes, list[int]]:
    """Return the slots of each session's segments."""
    found: dict[bytes, list[int]] = {}
    for name in _names(directory):
        parsed = places.parse_journal_name(name)
        if parsed is not None:
            found.setdefault(parsed[0], []).append(parsed[1])
    return found


def unnamed(directory: str) -> list[tuple[bytes, str]]:
    """Return the segments that do not have their final names yet: their sessions and paths."""
    found = []
    for name in _names(directory):
        parsed = places.parse_journal_name(name.removesuffix(_UNNAMED_SUFFIX))
        if parsed is not None and name.endswith(_UNNAMED_SUFFIX):
            found.append((parsed[0], os.path.join(directory, name)))
    return found


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []
