"""Descriptors: whether there are enough, and none of them in the place of a standard stream."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

_FIRST = 3
"""Behind standard error."""

ZMQ_DESCRIPTORS = 24
"""What a context's threads and its first socket with its monitor take, and some to spare."""


@contextlib.contextmanager
def clear_of_standard() -> Iterator[None]:
    """Have nothing that is opened inside the block become standard input, output or error.

    A process may run with these three closed. Whatever it opens next has their numbers, and a C
    library that complains to standard error then writes into it.

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


def require(count: int) -> None:
    """Return if this process may open ``count`` more now.

    libzmq starts its threads with the first socket of a context, and ends the process (an
    assertion) if one cannot have its descriptors then.

    Raises:
        OSError: it may not.
    """
    held: list[int] = []
    try:
        while len(held) < count:
            held.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    finally:
        for each in held:
            os.close(each)
