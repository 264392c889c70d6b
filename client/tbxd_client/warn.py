"""Warnings of this package: whatever a user's logging makes of one, nothing comes of it here."""

from __future__ import annotations

import contextlib
import logging


def warn(logger: logging.Logger, text: str, *arguments: object, exc_info: bool = False) -> None:
    """Log a warning. Never raises; call it with no lock held, for a handler may log in turn."""
    with contextlib.suppress(Exception):
        logger.warning(text, *arguments, exc_info=exc_info, stacklevel=2)
