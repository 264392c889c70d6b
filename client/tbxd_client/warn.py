"""Warnings of this package: whatever a user's logging makes of one, nothing comes of it here."""

from __future__ import annotations

import contextlib
import os

from . import fork

_STANDARD_ERROR = 2


def warn(name: str, text: str, *arguments: object, exc_info: bool = False) -> None:
    """Log a warning. Never raises; call it with no lock held, for a handler may log in turn.

    Where a handler's lock may be held for ever, it is written as the interpreter writes its last
    words.

    Args:
        name: of the logger: the module that warns.
        text, arguments, exc_info: as of ``logging.Logger.warning``.
    """
    with contextlib.suppress(Exception):
        if fork.threadless:
            os.write(_STANDARD_ERROR, f"{text % arguments}\n".encode())
            return
        # Whoever has a client has it already.
        import logging

        logging.getLogger(name).warning(text, *arguments, exc_info=exc_info, stacklevel=2)
