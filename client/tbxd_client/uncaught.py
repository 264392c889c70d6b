"""The exception of which this process ends."""

from __future__ import annotations

import sys


def name_of(error: BaseException | type[BaseException] | None) -> str:
    """Return the name of an exception that nobody has caught; "" for none, and for a plain exit."""
    kind = error if isinstance(error, type) else type(error)
    return "" if error is None or issubclass(kind, SystemExit) else kind.__name__


def last() -> str:
    """Return the name of the exception of which the process is ending right now; "" for none.

    To be called from what runs at exit: the interpreter has shown the exception by then
    (``sys.last_value``), or, in a child of multiprocessing, it is on its way. Where somebody types,
    an exception ends nothing, and the last one may have been hours ago.
    """
    if sys.flags.inspect or hasattr(sys, "ps1"):
        return ""
    return name_of(sys.exc_info()[1] or getattr(sys, "last_value", None))
