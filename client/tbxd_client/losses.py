"""The records that one author could not put into a journal: counted, told to the daemon, said."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from typing import Any

from .client import Client
from .stream import Stream
from .warn import warn


class Losses:
    """What one author has lost in this process.

    Attributes:
        shed: records lost, but for those that the journals of living sessions count.
        refusal: why the newest one was; "" for none.
        warned: whether the user was told.

    Args:
        run: the run directory, to be named in a warning.
    """

    def __init__(self, run: str) -> None:
        self.shed = 0
        self.refusal = ""
        self.warned = False
        self._run = run
        self._void: Stream | None = None
        self._finalizer: weakref.finalize[..., Any] | None = None

    def total(self) -> int:
        """Return how many records were lost, those of the session's own journal not counted."""
        return self.shed + (0 if self._void is None else self._void.journal.shed)

    def count(self, client: Client | None, open_void: Callable[[Client], Stream]) -> None:
        """Count a record for which there is no journal.

        Args:
            client: who can tell the daemon of it, if anybody can.
            open_void: makes the session that does so.
        """
        if self._void is None and client is not None:
            # What keeps a journal from being opened may keep this, too.
            with contextlib.suppress(Exception):
                void = open_void(client)
                self._finalizer = weakref.finalize(self, client.release, void)
                self._finalizer.atexit = False
                client.carry(void)
                self._void = void
        if self._void is None:
            self.shed += 1
        else:
            self._void.journal.count_shed()

    def take_void(self) -> Stream | None:
        """Return the session that has told of it until now, if there is one, to be ended."""
        self.detach()
        void, self._void = self._void, None
        if void is not None:
            self.shed += void.journal.shed
        return void

    def detach(self) -> None:
        """Have the session that tells of it live on when this goes: it is a parent's, or ended."""
        if self._finalizer is not None:
            self._finalizer.detach()

    def say(self, why: str) -> None:
        """Say once that a record was not logged; ``stats`` says why the last one was not."""
        self.refusal = why
        if not self.warned:
            self.warned = True
            warn(
                __name__,
                "tbxd: a record for %s was not logged: %s; stats()['shed'] counts how many follow",
                self._run,
                why,
            )
