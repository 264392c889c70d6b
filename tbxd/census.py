"""Whose journals lie in the runtime directory: dead ones, and those of who has not said hello yet.

A living process holds a lock on slot 0 of its journal; a segment gets its name only when it is
locked. So an unlocked journal is that of a dead process, or of a writer that was closed before
everything was committed.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Container

from tbxd_wire import messages, places, segment
from tbxd_wire.errors import SegmentError, TbxdError
from tbxd_wire.limits import SEGMENT_HEAD_BYTES

from . import leftovers
from .lock import is_held


class Census:
    """What was found when ``take`` last looked.

    Attributes:
        found: every session that has a journal.
        dead: the slots of each journal that is locked by nobody, by session.

    Args:
        directory: the runtime directory.
    """

    def __init__(self, directory: str) -> None:
        self.found: set[bytes] = set()
        self.dead: dict[bytes, list[int]] = {}
        self._directory = directory
        self._orphans: set[bytes] = set()
        self._strangers: dict[bytes, int] = {}
        # As far as anybody has asked.
        self._jobs: dict[bytes, str] = {}

    @property
    def has_strangers(self) -> bool:
        """Whether a process lives that has not said hello yet."""
        return bool(self._strangers)

    def awaited(self) -> dict[str, int]:
        """Return for each job how many of its sessions live that have not said hello yet."""
        jobs = Counter(self._job(*each) for each in self._strangers.items())
        return {job: count for job, count in jobs.items() if job}

    def waiting(self) -> Counter[str]:
        """Return how many dead journals are of each job; "" for none, or nobody can tell."""
        return Counter(self._job(session, min(slots)) for session, slots in self.dead.items())

    def take(self, settled: Container[bytes], has_said_hello: Callable[[bytes], bool]) -> None:
        """Look through the directory.

        Args:
            settled: sessions about which there is nothing to find out.
            has_said_hello: whether a session has, as far as the daemon knows.
        """
        journals = leftovers.journals(self._directory)
        self.found = set(journals)
        self.dead.clear()
        self._jobs = {each: job for each, job in self._jobs.items() if each in journals}
        self._strangers = {}
        orphans = set()
        for session, slots in journals.items():
            if session in settled:
                continue
            if 0 not in slots:
                # Slot 0 is made first and deleted last, but a listing is no snapshot: look twice.
                orphans.add(session)
                if session not in self._orphans:
                    continue
            try:
                held = is_held(self._path(session, min(slots)))
            except OSError:
                continue
            if not held:
                self.dead[session] = slots
            elif not has_said_hello(session):
                self._strangers[session] = min(slots)
        self._orphans = orphans

    def _job(self, session: bytes, slot: int) -> str:
        """Return the job that one of a journal's heads names."""
        if session not in self._jobs:
            try:
                with open(self._path(session, slot), "rb") as file:
                    head = segment.read_head(file.read(SEGMENT_HEAD_BYTES))
            except (OSError, SegmentError):
                return ""
            self._jobs[session] = job_of(head.hello)
        return self._jobs[session]

    def _path(self, session: bytes, slot: int) -> str:
        return os.path.join(self._directory, places.journal_name(session, slot))


def job_of(hello: bytes) -> str:
    """Return the job that the hello in a journal's head names, "" for none."""
    with contextlib.suppress(TbxdError):
        message = messages.decode([hello])
        if isinstance(message, messages.Hello):
            return message.job
    return ""
