"""Puts records into the journal of whatever process it finds itself in.

A recorder is what of a writer knows about processes: it opens a session with the first record,
another one in a forked child, in whoever unpickles it, and after a close. Nothing that goes wrong
in doing so reaches the caller: a record that finds no room is counted, and one warning says so.
"""

from __future__ import annotations

import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from tbxd_wire import paths, records
from tbxd_wire.arrays import Source
from tbxd_wire.kinds import Kind

from . import clients, fork, roles, run
from .arrivals import Arrivals
from .client import NO_RECORDS, Client
from .ended import Ended
from .interruption import is_interruption
from .journal import Journal
from .losses import Losses
from .stream import Stream
from .void import Void

_LOOK_S = 0.005
"""Who waits for room in a full journal looks for it so often."""

_generation = fork.generation
"""Looked at first, where a destructor may come: at the interpreter's end, when ``fork`` itself has
been taken apart."""

_waiting = threading.local()
"""Since when the calling thread has been looking for room, or None."""


class Recorder:
    """One author's way into one run.

    Attributes:
        append: puts one record's body into the journal; returns False if it did not, and the
            caller then hands this very ``append``, and the body, to ``refused``. Neither raises
            anything of its own. (An attribute and not a method, so that the hot path has one call
            less.)
        append_arrays: the same for a record with arrays and these. It raises what copying an
            array raises, and the caller then calls ``failed``.
        cause: name of the exception because of which ``close`` comes next; "" for none.

    Args:
        logdir: the run directory; made if it is not there.
        role: the author's path below it, or None to find out.
        suffix: appended to the event file's name.
        purge_step: begin the first session with a restart at this step.

    Raises:
        OSError: the run directory cannot be made, or the runtime directory cannot be used.
        ValueError: a role or suffix that leads out of the run directory, or a run directory whose
            name is no Unicode.
    """

    # Of the class, for the names of a module are gone before the interpreter is.
    _is_finalizing = staticmethod(sys.is_finalizing)

    def __init__(self, logdir: str, role: str | None, suffix: str, purge_step: int | None) -> None:
        fork.look()
        self.run = run.absolute(logdir)
        self._given_role = None if role is None else paths.safe_relative(role)
        self._suffix = paths.safe_suffix(suffix)
        self._purge_step = purge_step
        self._origin = fork.token
        self._begin()
        run.make(self.run, self._find_role())
        # Made now, so that a runtime directory that cannot be used is an error here and not later.
        clients.get()

    def _begin(self) -> None:
        """Set up what belongs to this process alone."""
        self._lock = threading.RLock()
        self._client: Client | None = None
        self._stream: Stream | None = None
        self._role: str | None = None
        self._losses = Losses(self.run)
        self._ended = Ended()
        self.cause = ""
        self._last: dict[str, Any] = {**NO_RECORDS, "trouble": ""}
        self._finalizer: weakref.finalize[Any, Any] | None = None
        self.append: Callable[[bytes], bool] = self._append_first
        self.append_arrays: Callable[[bytes, Sequence[Source]], bool] = self._append_first
        fork.watch(self)

    def refused(self, append: Callable[..., bool], *record: Any) -> None:
        """Deal with a record that ``append(*record)`` did not take. Never raises.

        Another thread may have closed the writer a moment ago: the record then belongs to the
        next session. If the journal is full, ``TBXD_JOURNAL_FULL`` says whether to wait for room.
        """
        try:
            fork.look()
            # A call that interrupts a waiting one of its thread, from a signal handler, waits no
            # longer than that one may: it has begun with it.
            since: float | None = getattr(_waiting, "since", None)
            if since is not None:
                self._place(since, append, *record)
                return
            try:
                _waiting.since = time.monotonic()
                self._place(_waiting.since, append, *record)
            finally:
                _waiting.since = None
        except Exception:
            # A destructor may log while modules are taken apart, and any name here be gone.
            if not self._is_finalizing():
                raise
            self._losses.shed += 1

    def _place(self, since: float, append: Callable[..., bool], *record: Any) -> None:
        """Find room for a record, waiting for it as who waits ``since`` then may, or count it."""
        while True:
            with self._lock:
                if self._stream is not None and self._stream.journal.closed:
                    self._forget_stream()
                active, stream = self._client, self._stream
                journal = None if stream is None else stream.journal
                is_full = journal is not None and append in (journal.append, journal.append_arrays)
                if is_full:
                    assert active is not None
                    assert stream is not None
                    if not active.may_wait(stream, since, *record):
                        stream.journal.count_shed()
                        why = stream.journal.obstacle(*record) or "its journal is full"
                        break
                journal = self._open_journal()
            # Neither with the lock held: it waits for an append, and who hears a warning may log.
            self._ended.settle()
            if journal is None:
                self._warn(self._losses.refusal)
                return
            if is_full:
                # Polled, for nobody knows of all room that is made; and no lock is waited for that
                # a child, forked by a signal handler meanwhile, would never get.
                time.sleep(_LOOK_S)
            append = journal.append if len(record) == 1 else journal.append_arrays
            if append(*record):
                return
        self._warn(why)

    def failed(self, error: Exception) -> None:
        """Count a record whose arrays could not be copied. Never raises."""
        self._losses.shed += 1
        self._warn(f"an array could not be copied: {error}")

    def flush(self, timeout_s: float) -> None:
        """Return when all records so far are in the event files, or raise FlushTimeout.

        Also those of sessions that ``close`` has ended. In the link's own thread it does nothing.
        """
        if not _generation:
            fork.look()
        since = time.monotonic()
        active, stream = self._client, self._stream
        if active is None or active.is_own_thread():
            return
        if stream is not None and not active.flush(stream, since, timeout_s):
            self._ended.add(stream)
        self._ended.flush(active, since, timeout_s)

    def close(self, timeout_s: float) -> None:
        """End the session of this process, if there is one; the next record opens another.

        From a signal handler or a destructor that has interrupted a call which it would wait for,
        it does nothing: the session goes on, and ends with the next close, or with the process.
        """
        if not _generation:
            fork.look()
        active = self._client
        # Asked with no lock held: who holds this one may wait for the call that was interrupted.
        if active is not None and active.is_in_the_way():
            return
        with self._lock:
            active, stream = self._client, self._stream
            self._forget_stream()
            void = self._losses.take_void()
        if active is not None and void is not None:
            active.close(void, timeout_s, self.cause)
        if active is not None and stream is not None:
            active.close(stream, timeout_s, self.cause)
            self._ended.settle()
            outbox = stream.outbox
            self._last = active.stats(stream) | {
                "refused": self._last["refused"] + outbox.refused,
                "trouble": outbox.notice or outbox.refusal or self._losses.refusal,
            }

    def stats(self) -> dict[str, Any]:
        """Return facts about the session of this process."""
        if not _generation:
            fork.look()
        facts: dict[str, Any] = {"run": self.run, "role": self._find_role()}
        active, stream = self._client, self._stream
        if active is None or stream is None:
            facts |= self._last | {"shed": self._losses.total(), "connected": False}
            facts["trouble"] = facts["trouble"] or self._losses.refusal
            return facts
        facts |= active.stats(stream)
        facts["shed"] += self._losses.total()
        facts["refused"] += self._last["refused"]
        facts["trouble"] = facts["trouble"] or self._losses.refusal
        return facts

    def forget_parent(self) -> None:
        """In a forked child: this is another author now."""
        if self._finalizer is not None:
            self._finalizer.detach()
        self._losses.detach()
        self._purge_step = None
        self._begin()

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrive, (self.run, self._given_role, self._suffix, self._origin)

    # -- sessions

    def _append_first(self, *record: Any) -> bool:
        """Open the session, then append."""
        self.refused(self._append_first, *record)
        return True

    def _open_journal(self) -> Journal | Void | None:
        """Return the session's journal, opened if there is none; None: a record is shed."""
        with self._lock:
            # A signal handler may close what has just been opened.
            while (stream := self._stream) is None:
                try:
                    self._open()
                except Exception as error:
                    if is_interruption(error):
                        raise
                    # Whatever else it is, it must not end the training loop.
                    self._losses.count(self._client, self._open_void)
                    self._losses.refusal = f"its journal could not be opened: {error}"
                    return None
            return stream.journal

    def _open_void(self, active: Client) -> Stream:
        """Return a session that tells what is lost while there is no journal."""
        return active.open_void(self.run, self._find_role(), self._suffix)

    def _open(self) -> None:
        """Open a session, unless a signal handler or a destructor has opened one meanwhile.

        Whatever logs in the midst of this, in the same thread, cannot wait for it.
        """
        mine = fork.look()
        if self._client is None:
            found = clients.get()
            self._client = found if fork.generation.value == mine else fork.refuse()
        active = self._client
        role = self._find_role()
        self._role = role if fork.generation.value == mine else fork.refuse()
        stream = active.open(self.run, role, self._suffix)
        try:
            self._adopt(active, stream, mine)
        finally:
            if self._stream is not stream:
                active.discard(stream)

    def _adopt(self, active: Client, stream: Stream, mine: int) -> None:
        """Have ``stream`` be this recorder's session, if there is none by now."""
        journal = stream.journal
        append, append_arrays = journal.append, journal.append_arrays
        if self._purge_step is not None:
            # It wakes nobody: this holds a lock.
            journal.parked = False
            body = records.encode(Kind.SESSION_START, "", self._purge_step, time.time())
            append(body) if fork.generation.value == mine else fork.refuse()
        finalizer = weakref.finalize(self, active.release, stream)
        finalizer.atexit = False
        # A child that was forked meanwhile, by a signal handler, opens a session of its own. And
        # all of it is one step, for it calls nothing: whatever else runs finds it done or not.
        if fork.generation.value == mine and self._stream is None: self._stream = stream; self._finalizer = finalizer; self._purge_step = None; self.append = append; self.append_arrays = append_arrays  # fmt: skip # noqa: E501, E701, E702
        if self._stream is stream:
            active.carry(stream)
            # The record that comes next may wake the link, and hears if there is none.
            journal.parked = True
            if (void := self._losses.take_void()) is not None:
                active.release(void)
            return
        finalizer.detach()
        if fork.generation.value != mine:
            fork.refuse()

    def _forget_stream(self) -> None:
        with self._lock:
            first, stream, finalizer = self._append_first, self._stream, self._finalizer
            losses = self._losses
            if stream is None:
                return
            self._ended.add(stream)
            # One step, as above: what logs meanwhile may have opened the next session.
            if self._stream is stream: self._stream = None; self._finalizer = None; self.append = self.append_arrays = first; losses.shed += stream.journal.shed  # fmt: skip # noqa: E501, E701, E702
            if finalizer is not None:
                finalizer.detach()

    def _warn(self, why: str) -> None:
        """Say once that a record was not logged, if there is anybody left to hear it."""
        if not self._is_finalizing():
            self._losses.say(why)

    def _find_role(self) -> str:
        """Return this process's role; what is found out may change until the first record."""
        if self._role is not None:
            return self._role
        return roles.author(self._given_role, made_here=self._origin == fork.token)


def _arrive(run: str, role: str | None, suffix: str, origin: bytes) -> Recorder:
    """Return the recorder that was pickled by the process whose token is ``origin``."""

    def make() -> Recorder:
        recorder = Recorder(run, role, suffix, None)
        recorder._origin = origin
        return recorder

    return _arrivals.get((run, role, suffix, origin), make)


_arrivals: Arrivals[Recorder] = Arrivals()
