"""Descriptors that stay open for long, out of the way of standard input, output and error.

A process may run with these three closed. Whatever it opens next has their numbers, and a C library
that complains to standard error then writes into it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

_FIRST = 3
"""Behind standard error."""


@contextlib.contextmanager
def clear_of_standard() -> Iterator[None]:
    """Have nothing that is opened inside the block become one of the three.

    Raises:
        OSError: there is no descriptor left.
    """
    held: list[int] = []
    try:
        while (descriptor := os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)) < _FIRST:
            held.append(descriptor)
        os.close(descriptor)
        yield
    finally:
        for each in held:
            os.close(each)
