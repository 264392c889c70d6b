"""Journals for tests: one session in a directory, and a sender that takes what comes out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy
import pytest

from tbxd_client import appending, arrays, journal, supply
from tbxd_client.journal import Journal
from tbxd_client.mapping import Allowance
from tbxd_wire import frame, messages, records, settings
from tbxd_wire.arrays import Source
from tbxd_wire.kinds import Kind
from tbxd_wire.limits import KIB, MIB, SEGMENT_HEAD_BYTES

SESSION = bytes(range(16))
SMALL_BYTES = SEGMENT_HEAD_BYTES + 4 * KIB
CUT_BYTES = 1000
ORDINARY_BYTES = SEGMENT_HEAD_BYTES + 16 * KIB
POOL_LARGE_BYTES = 64 * KIB
BATCH_BYTES = 5000
SMALL_SIZES = (
    (supply, "SEGMENT_SMALL_BYTES", SMALL_BYTES),
    (supply, "_SEGMENT_SCARCE_BYTES", SEGMENT_HEAD_BYTES + 8 * KIB),
    (supply, "SEGMENT_BYTES", ORDINARY_BYTES),
    (supply, "_SEGMENT_BACKLOG_BYTES", SEGMENT_HEAD_BYTES + 32 * KIB),
    (supply, "_BACKLOG_BYTES", 64 * KIB),
    (supply, "_POOL_LARGE_BYTES", POOL_LARGE_BYTES),
    (appending, "CUT_BYTES", CUT_BYTES),
    (journal, "BATCH_BYTES", BATCH_BYTES),
)
"""For the constants of the journal: every few appends change the segment."""

HELLO = messages.Hello(SESSION, 1, 1, 0, False, "/run", "", 1, "host", "", "", 1.5)


def without_journals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no room for any journal of the writers that are made from now on."""
    monkeypatch.setattr(settings, "SEGMENT_SMALL_BYTES", 0)
    monkeypatch.setenv("TBXD_JOURNAL_LIMIT", "1KiB")


def open_journal(
    directory: str,
    *,
    session: bytes = SESSION,
    allowance: Allowance | None = None,
    wake: Callable[[], None] = lambda: None,
) -> Journal:
    """Return a new journal in ``directory``."""
    (head,) = messages.encode(HELLO)
    allowance = Allowance(256 * MIB) if allowance is None else allowance
    return Journal(directory, session, bytes(head), allowance, wake)


def make_segments_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what happens at the end of a segment happen often."""
    for module, name, value in SMALL_SIZES:
        monkeypatch.setattr(module, name, value)


def numbered(number: int, author: int = 0) -> bytes:
    """Return a body that says what it is; its length varies."""
    return b"%d %d " % (author, number) + b"." * (number % 50)


def array_of(content: bytes) -> Source:
    """Return an array whose elements are ``content``."""
    return arrays.source(numpy.frombuffer(content, numpy.uint8))


class Interrupting:
    """An array in the midst of whose copying ``deed`` is done, as by a signal handler."""

    dtype, shape, nbytes = "uint8", (1000,), 1000

    def __init__(self, deed: Callable[[], None]) -> None:
        self._deed = deed

    def copy_to(self, target: memoryview) -> None:
        target[:500] = bytes(500)
        self._deed()
        target[500:] = bytes(500)


def put(journal: Journal, number: int, author: int = 0) -> bool:
    """Append a record that says what it is, every third of them with arrays."""
    body = numbered(number, author)
    if number % 3:
        return journal.append(body)
    record, sources = records.encode_before(Kind.TENSOR, "", 1, 1.5, array_of(body))
    return journal.append_arrays(record, sources)


def number_of(body: bytes) -> tuple[int, int]:
    """Return ``(author, number)`` of a body; fails if it is not as ``numbered`` made it."""
    if body[0] == frame.LEAD_MARK:
        body = bytes(records.decode(body)[4].data)
    author, number, _ = body.split(b" ")
    assert numbered(int(number), int(author)) == body
    return int(author), int(number)


class Sender:
    """A thread that takes batches out, releases them, and keeps what was in them."""

    def __init__(self, journal: Journal) -> None:
        self.bodies: list[bytes] = []
        self._journal = journal
        self._stopping = threading.Event()
        self._error: BaseException | None = None
        # A daemon thread: a lock that nobody gives back must fail a test and not hang it.
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Sender:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Wait until everything is taken out; fails if the journal's lock is not free."""
        self._stopping.set()
        self._thread.join(20)
        assert not self._thread.is_alive(), "the sender waits for a lock that nobody gives back"
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            position = 0
            for position in self._positions():
                self._journal.release(position)
            assert self._journal.remove(position)
        except BaseException as error:
            self._error = error

    def _positions(self) -> Iterator[int]:
        position = 0
        while True:
            last_look = self._stopping.is_set()
            while position < self._journal.tail:
                frames, position = self._journal.batch(position, position + 3000)
                self.bodies += [bytes(body) for _, body in frame.walk(frames)]
                yield position
            if last_look:
                return
            self._journal.trim()
            self._stopping.wait(0.001)
