"""The sessions that one author has ended and that may hold what is in no event file yet.

A barrier waits for them, too. One that is being closed tells itself how far it is. What ``close``
has left to a daemon no longer does, but its first file is there until all of it is committed.
"""

from __future__ import annotations

import contextlib
import os
import time

from tbxd_wire.errors import FlushTimeout

from .client import Client
from .stream import Stream

_LOOK_S = 0.05
"""How often to look whether a daemon is through with a journal."""


class Ended:
    """Those of one recorder in this process, from any thread."""

    def __init__(self) -> None:
        self._ending: list[Stream] = []
        # Bytes that were not committed, by the path of the journal's first file. No stream, for
        # that would keep all of its journal mapped.
        self._left: dict[str, int] = {}

    def add(self, stream: Stream) -> None:
        """Have ``flush`` wait for a session that ends. ``settle`` must follow."""
        self._ending.append(stream)

    def settle(self) -> None:
        """Let go of the sessions that are over, keeping in mind what they have left.

        Waits for an append to one of them: call it with no lock held.
        """
        for stream in list(self._ending):
            if stream.done:
                if (pending := stream.pending()) > 0:
                    self._left[stream.journal.path] = pending
                # Somebody else may be at it.
                with contextlib.suppress(ValueError):
                    self._ending.remove(stream)

    def flush(self, client: Client, since: float, timeout_s: float) -> None:
        """Return when all that they held is in the event files.

        Arguments as of ``Client.flush``.

        Raises:
            FlushTimeout: it was not, in time.
        """
        for stream in list(self._ending):
            client.flush(stream, since, timeout_s)
        self.settle()
        while pending := self._left_bytes():
            remaining = since + timeout_s - time.monotonic()
            if remaining <= 0:
                why = f"close() has left them in {client.directory} for a daemon"
                raise FlushTimeout(timeout_s, pending, why)
            time.sleep(min(remaining, _LOOK_S))

    def _left_bytes(self) -> int:
        """Return how many bytes are left to a daemon that it is not through with."""
        for path in list(self._left):
            if not os.path.exists(path):
                self._left.pop(path, None)
        return sum(list(self._left.values()))
