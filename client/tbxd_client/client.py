"""What a process has in one runtime directory: its sessions, their journals, the one link."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from typing import Any

from tbxd_wire import messages, mounts, places
from tbxd_wire.errors import FlushTimeout
from tbxd_wire.limits import PROTOCOL_NEWEST, PROTOCOL_OLDEST, SESSION_BYTES
from tbxd_wire.settings import Settings

from . import fork
from .journal import Journal
from .launch import Launcher
from .link import Link
from .mapping import Allowance
from .outbox import Outbox, State
from .stream import Stream
from .void import Void
from .warn import warn

_GRACE_S = 1.0
"""How long ``close`` waits when there is no daemon and none can be started."""

_LOOK_S = 0.1
"""Who waits for the link looks by itself so often: a signal handler that waited, too, just before
may have been told in its stead."""

_INTERRUPTING = (
    "this call has interrupted one that logs: what was logged since then is in memory alone until"
    " that one goes on"
)

_generation = fork.generation
"""Looked at first, where a destructor may come: at the interpreter's end, when ``fork`` itself has
been taken apart."""

NO_RECORDS = dict.fromkeys(
    ("records", "bytes", "committed_bytes", "pending_bytes", "shed", "refused"), 0
)
"""The counts of ``stats`` where there is no session."""


class Client:
    """The sessions of this process in one runtime directory.

    Args:
        directory: the runtime directory; made if it is not there.
        environ: where the variables of tbxd_wire.places are looked up.

    Raises:
        DirectoryError: the directory cannot be made, is not this user's alone, or lies on a
            network file system.
        ConfigError: a variable has an unusable value.
    """

    def __init__(self, directory: str, environ: Mapping[str, str]) -> None:
        settings = Settings.of(environ)
        places.make_private(directory, os.getuid())
        # What the link may need is imported here and not in its thread: a child that is forked in
        # the midst of another thread's import waits for it for ever. Nor is it at the top: it takes
        # a fifth of what this package takes, and most processes have it anyway.
        import logging  # noqa: F401
        import subprocess  # noqa: F401

        mounts.refuse_network(directory)
        self.directory = directory
        self._job = environ.get(places.JOB_VARIABLE, "")
        self._allowance = Allowance(settings.journal_limit_bytes)
        self._patience_s = settings.patience_s
        self._streams: set[Stream] = set()
        self._link = Link(directory, Launcher(directory, enabled=settings.autostart))

    def open(self, run: str, role: str, suffix: str) -> Stream:
        """Make a session; ``carry`` or ``discard`` must follow.

        Args:
            run: absolute path of the run directory.
            role: path of the author below it.
            suffix: appended to the event file's name.

        Raises:
            OSError: its journal cannot be made.
        """
        mine = fork.look()
        hello = self._hello(run, role, suffix)
        (head,) = messages.encode(hello)
        # Somebody who cleans up temporary directories may have taken it away.
        places.make_private(self.directory, os.getuid())
        wake = self._link.wake_for_record
        journal = Journal(self.directory, hello.session, bytes(head), self._allowance, wake, mine)
        return Stream(hello.session, journal, Outbox(hello))

    def open_void(self, run: str, role: str, suffix: str) -> Stream:
        """Make a session without a journal, which tells how many records were lost.

        Arguments as of ``open``, which has raised.
        """
        hello = self._hello(run, role, suffix)
        return Stream(hello.session, Void(self._link.wake), Outbox(hello))

    def _hello(self, run: str, role: str, suffix: str) -> messages.Hello:
        """Return the introduction of a new session."""
        return messages.Hello(
            session=os.urandom(SESSION_BYTES),
            oldest=PROTOCOL_OLDEST,
            newest=PROTOCOL_NEWEST,
            position=0,
            known=False,
            run=run,
            role=role,
            pid=os.getpid(),
            host=platform.node(),
            suffix=suffix,
            job=self._job,
            started=float(time.time()),
        )

    def carry(self, stream: Stream) -> None:
        """Send what the session holds, from now on until it ends. Twice is once."""
        with self._link.progress:
            if stream.done or stream in self._streams:
                return
            self._streams.difference_update([each for each in list(self._streams) if each.done])
            self._link.add(stream)
            self._streams.add(stream)
        if not stream.journal.parked:
            # What was appended before the link knew of the session has woken it in vain.
            self._link.wake()

    def discard(self, stream: Stream) -> None:
        """Take back a session that is not carried, with all that it holds."""
        stream.done = True
        stream.journal.remove(stream.journal.tail)

    def may_wait(self, stream: Stream, since: float, *record: Any) -> bool:
        """Whether a call that began at ``since`` may wait on for room in the journal.

        For as long as ``TBXD_JOURNAL_FULL`` says; but not for a record that never fits, and, after
        somebody has waited in vain, not before something has been released.

        Args:
            since: a time of the monotonic clock.
            record: what ``append`` or ``append_arrays`` of the journal has refused.
        """
        acked = stream.outbox.acked
        if not self._patience_s or stream.gave_up_at == acked or self._link.is_own_thread():
            return False
        if time.monotonic() >= since + self._patience_s:
            stream.gave_up_at = acked
            return False
        return not stream.journal.obstacle(*record)

    def flush(self, stream: Stream, since: float, timeout_s: float) -> bool:
        """Return True when all that was appended before is in the event files.

        False: the session has been left to a daemon, and nobody here can tell.

        Args:
            since: a time of the monotonic clock, from which on ``timeout_s`` counts.

        Raises:
            FlushTimeout: it was not, in time; nothing is lost. Or, at once, it cannot be before
                this call returns, for it has interrupted an append.
        """
        in_vain = self._is_no_use()
        target = stream.journal.tail
        if deferred := stream.journal.deferred_bytes():
            pending = target - stream.outbox.acked + deferred
            raise FlushTimeout(timeout_s, pending, _INTERRUPTING)
        if stream.outbox.acked >= target:
            return True
        self.carry(stream)
        deadline = since + (0.0 if in_vain else timeout_s)
        stream.wanted = target
        self._link.wake()
        with self._link.progress:
            while stream.outbox.acked < target and not stream.done:
                remaining = deadline - time.monotonic()
                if remaining <= 0 or stream.outbox.state is State.REFUSED:
                    raise FlushTimeout(timeout_s, target - stream.outbox.acked, self._why(stream))
                self._link.progress.wait(min(remaining, _LOOK_S))
        return stream.outbox.acked >= target

    def close(self, stream: Stream, timeout_s: float, cause: str = "") -> bool:
        """End a session; return whether everything is committed.

        What is not committed in time stays in the journal, and a daemon will take it from there.

        Args:
            cause: name of the exception because of which it ends; "" for none.
        """
        stream.end(cause)
        if not self._link.is_own_thread() and not self._is_no_use():
            self.carry(stream)
            self._await_end(stream, timeout_s)
        committed = stream.outbox.acked >= stream.wanted
        if not stream.done:
            self._link.remove(stream)
            stream.abandon()
        self._streams.discard(stream)
        if not committed:
            warn(
                __name__,
                "tbxd: closed with %d bytes of records not yet in the event files (%s);"
                " they stay in %s and will be written when a daemon gets to them",
                stream.wanted - stream.outbox.acked,
                self._why(stream),
                self.directory,
            )
        return committed

    def is_own_thread(self) -> bool:
        """Whether the caller is the link's thread, which must never wait for itself."""
        return self._link.is_own_thread()

    def is_in_the_way(self) -> bool:
        """Whether this call has interrupted an append, whose end the link may be waiting for.

        Then it is no use to wait for the link.
        """
        return any(each.journal.is_held_here() for each in list(self._streams))

    def _is_no_use(self) -> bool:
        """Whether the link, if there is one, will do nothing until this call returns."""
        return fork.threadless or self.is_in_the_way()

    def _await_end(self, stream: Stream, timeout_s: float) -> None:
        """Wait until the link has taken leave for ``stream``, or it is no use."""
        now = time.monotonic()
        deadline = now + timeout_s
        no_use = now + min(timeout_s, _GRACE_S)
        self._link.wake()
        # Threads that go on logging begin a new session once this one is left. Asked without the
        # link's lock: it waits for an append, and a signal handler that has interrupted that append
        # may wait for the lock.
        while not stream.is_over() and stream.outbox.state is not State.REFUSED:
            now = time.monotonic()
            until = deadline if self._link.may_progress() else no_use
            if now >= until:
                return
            with self._link.progress:
                if not stream.done:
                    self._link.progress.wait(min(until - now, _LOOK_S))

    def release(self, stream: Stream) -> None:
        """End a session whose writer nobody holds any more, without waiting.

        A process that exits waits for it all the same (:meth:`close_all`).
        """
        if not _generation:
            fork.look()
        if stream.journal.closed:
            # A child's by now, that has just been found out to be one.
            return
        stream.end()
        self._link.wake()

    def close_all(self, timeout_s: float, cause: str) -> None:
        """End every session of this process, because of ``cause``, within ``timeout_s`` in all."""
        deadline = time.monotonic() + timeout_s
        for stream in list(self._streams):
            # What ends already does so for a reason of its own.
            mine = stream.cause if stream.ending else cause
            self.close(stream, max(0.0, deadline - time.monotonic()), mine)

    def stop(self) -> None:
        """Take back a client that has no session."""
        self._link.stop(0.0)

    def stats(self, stream: Stream) -> dict[str, Any]:
        """Return what a writer shows of one session."""
        return {
            "records": stream.journal.records,
            "bytes": stream.journal.tail,
            "committed_bytes": stream.outbox.acked,
            "pending_bytes": stream.pending(),
            "shed": stream.journal.shed,
            "refused": stream.outbox.refused,
            "connected": self._link.connected,
            "trouble": stream.outbox.notice or self._link.trouble or stream.outbox.refusal,
        }

    def forget_parent(self) -> None:
        """In a forked child: nothing of this client may be used or destroyed."""
        self._link.forget_parent()
        fork.bury(self)

    def _why(self, stream: Stream) -> str:
        """Say what keeps records from being committed."""
        if stream.outbox.notice:
            return f"the daemon says: {stream.outbox.notice}"
        if not self._link.connected:
            return self._link.trouble or f"no daemon answers in {self.directory}"
        return "the daemon has not committed them yet"
