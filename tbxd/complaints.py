"""Troubles in the log: the first of each kind at once, then no more than one line per interval.

Whoever sends a daemon rubbish ten thousand times a second must not fill its log. Promises that
nothing is uncounted: the next line of a kind says how many were left out before it.
"""

from __future__ import annotations

import logging

COMPLAINT_INTERVAL_S = 10.0
"""Least seconds between two lines of one kind."""

_KINDS = 64
"""Kinds remembered; the names are ours, so this bounds a mistake, not a habit."""


class Complaints:
    """Says a kind of trouble now and then, and counts the rest."""

    def __init__(self, logger: logging.Logger, interval_s: float = COMPLAINT_INTERVAL_S) -> None:
        self._logger = logger
        self._interval_s = interval_s
        self._said: dict[str, float] = {}
        self._kept_back: dict[str, int] = {}

    def say(self, kind: str, text: str, now: float) -> None:
        """Log ``text`` as a warning, unless one of the same ``kind`` was logged lately."""
        last = self._said.get(kind)
        if last is not None and now - last < self._interval_s:
            self._kept_back[kind] = self._kept_back.get(kind, 0) + 1
            return
        if len(self._said) >= _KINDS:
            self._said.clear()
        self._said[kind] = now
        kept_back = self._kept_back.pop(kind, 0)
        if kept_back:
            text = f"{text} (and {kept_back} more like it since the last such line)"
        self._logger.warning("%s", text)
