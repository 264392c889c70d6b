"""Exceptions of signal handlers, which come in between any two steps of any call.

A hang guard (``signal.alarm`` and a handler that raises TimeoutError) means the program and not
whatever of this package it happens to interrupt. So whoever catches what may go wrong here asks
first, and lets such an exception through.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from types import FrameType


def is_interruption(error: BaseException) -> bool:
    """Return whether a signal handler written in Python has raised ``error``, or its cause.

    A handler is called with the frame that it interrupts; nothing else of what runs here gets the
    frame of its caller. One that has forgotten its arguments by then cannot be told.
    """
    # No further: causes may lead in a circle.
    return any(
        value is outer or _holds(value, outer)
        for each in (error, error.__cause__)
        if each is not None
        for outer, inner in itertools.pairwise(_frames(each))
        for value in inner.f_locals.values()
    )


def _holds(value: object, frame: FrameType) -> bool:
    """Return whether ``value`` is the arguments of a function that takes any, ``frame`` in them."""
    return type(value) is tuple and any(each is frame for each in value)


def _frames(error: BaseException) -> Iterator[FrameType]:
    """Yield the frames through which ``error`` has come, the outermost first."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next
