"""The one thread of this process that talks to the daemon, and the only clock.

The rules are in the machines (tbxd_client.outbox, one for each session); this shell carries their
messages, sleeps until the earliest of their deadlines, and starts a daemon when there is something
to send and nobody to take it.

It costs the training threads as little as it can: while nothing is logged it sleeps without a
timeout; the first record after a pause wakes it; then it gathers records for COALESCE_S before it
sends them, and looks again at that pace, unasked, for as long as records come. Batches leave as
slices of the journal's mapping, without a copy.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time

from tbxd_wire import messages
from tbxd_wire.limits import COALESCE_S

from . import fork
from .connection import Connection
from .launch import Launcher
from .outbox import State
from .stream import Stream
from .streams import Streams
from .warn import warn

_EAGER_BYTES = 256 * 1024
"""With so much to send there is nothing to gain from gathering more."""

_ATTEMPT_S = 0.02
"""How often to look for a daemon while one may be starting: grows by half each time."""

_ATTEMPT_MAX_S = 1.0
"""How often to look for a daemon when there has been none for a while."""

_CONNECT_TIMEOUT_S = 5.0
"""A connection that is not there after so long is tried anew."""

_AWAKE_S = 0.25
"""For so long after it has sent something a link looks for more by itself, every COALESCE_S. To
wake it costs the caller 30 us where cores sleep, as much as ten records: a training that logs at
every step never pays for it, unless its steps are so long that it does not matter."""

_LOOK_S = 1.0
"""How often a link that is awake looks whether the journals are still there."""

_TRIM_S = 10.0
"""A link that has sent nothing for so long gives its warm segments back."""

_START_S = 1.0
"""How often a record tries to start the thread, where there could be none until now."""

_RECOVERY_S = 1.0
"""Pause after an error that no part of this module expected."""


class Link:
    """Carries the streams of this process to the daemon of one runtime directory.

    Attributes:
        progress: notified whenever an ack, a notice or a refusal has come, or a stream is done.
        trouble: what stands in the way, in words; "" for nothing.

    Args:
        directory: the runtime directory; must exist.
        launcher: asked for a daemon when there is something to send and no daemon.
    """

    def __init__(self, directory: str, launcher: Launcher) -> None:
        self.progress = threading.Condition()
        self.trouble = ""
        self._directory = directory
        self._launcher = launcher
        self._streams = Streams()
        self._stopping = False
        self._connection = Connection(directory)
        self._attempt_s = _ATTEMPT_S
        self._next_attempt = 0.0
        self._give_up_at = 0.0
        self._next_send = 0.0
        self._next_look = 0.0
        self._awake_until = 0.0
        self._trim_at: float | None = None
        self._next_start = 0.0
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._start()

    def _start(self) -> str:
        """Start the thread; return why none can be, for the journals keep what is logged, or ""."""
        if fork.threadless:
            return (
                "nothing is sent: this process was forked beside threads, and Python not told of"
                " it (PyOS_AfterFork_Child)"
            )
        # Nobody waits here: a signal handler may have interrupted who is at it.
        if not self._starting.acquire(blocking=False):
            return ""
        try:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tbxd-link", daemon=True)
                self._thread.start()
        except RuntimeError as error:
            self._thread = None
            return f"no thread that sends can be started: {error}"
        finally:
            self._starting.release()
        return ""

    # -- called from any thread

    @property
    def connected(self) -> bool:
        """Whether there is a connection to a daemon."""
        return self._connection.is_connected

    def add(self, stream: Stream) -> None:
        """Carry ``stream`` from now on, until it is done."""
        with self.progress:
            self._streams.add(stream)

    def remove(self, stream: Stream) -> None:
        """Carry ``stream`` no longer."""
        with self.progress:
            self._streams.remove(stream)

    def may_progress(self) -> bool:
        """Whether there is a daemon, or one may be starting."""
        if self._thread is None:
            return False
        return self.connected or (self._launcher.enabled and not self._launcher.trouble)

    def wake(self) -> str:
        """Have a sleeping link look at its streams; return why there is none to wake, or ""."""
        why = self._start() if self._thread is None else ""
        if why and not fork.threadless:
            self._streams.await_records()
        self._connection.ring()
        return why

    def wake_for_record(self) -> None:
        """Wake the link as who has just appended, with no lock held: what is wrong is said."""
        if self._thread is None and time.monotonic() < self._next_start:
            self._streams.await_records()
        elif why := self.wake():
            if not fork.threadless:
                self._next_start = time.monotonic() + _START_S
            self._say(why)

    def is_own_thread(self) -> bool:
        """Whether the caller is the link's thread, which must never wait for itself."""
        return threading.current_thread() is self._thread

    def stop(self, timeout_s: float) -> None:
        """End the thread and close the socket; what was not sent stays in the journals."""
        self._stopping = True
        if self._thread is None:
            self._connection.end()
            return
        self.wake()
        self._thread.join(timeout_s)

    def forget_parent(self) -> None:
        """In a forked child: keep the parent's sockets from ever being closed here."""
        self._connection.forget_parent()

    # -- the link's own thread

    def _run(self) -> None:
        # A batch thread that is woken never takes the core from the thread that woke it. What this
        # one starts inherits that: ZeroMQ's threads, and a daemon.
        with contextlib.suppress(OSError, AttributeError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        while not self._stopping:
            try:
                self._talk(time.monotonic())
                self._sleep(self._pause(time.monotonic()))
                self._listen()
            except Exception as error:
                self.trouble = f"the link failed and starts anew: {error!r}"
                warn(__name__, "%s", self.trouble, exc_info=True)
                self._disconnect()
                self._next_attempt = time.monotonic() + _RECOVERY_S
        self._connection.end()

    def _talk(self, now: float) -> None:
        """Take leave, connect, greet and send, as far as it is time to."""
        if now >= self._next_look:
            self._next_look = now + _LOOK_S
            for stream in self._streams:
                stream.look()
        for stream in self._streams:
            if stream.ending and not stream.is_pending():
                self._take_leave(stream)
        if not self.connected:
            if not self._streams.are_pending():
                self._disconnect()
            elif now >= self._next_attempt:
                self._attempt(now)
            return
        for stream in self._streams:
            hello = stream.outbox.expired(now)
            if stream.outbox.state is State.SILENT and stream.is_pending():
                hello = stream.outbox.connect(now)
            if hello is not None:
                self._connection.send(hello)
        unsent = self._streams.unsent()
        if (unsent or self._streams.have_work()) and (
            now >= self._next_send or unsent >= _EAGER_BYTES or self._streams.are_urgent()
        ):
            for stream in self._streams:
                for batch in stream.batches(now):
                    self._connection.send(batch)
            self._next_send = now + COALESCE_S
            self._awake_until = now + _AWAKE_S
            self._trim_at = now + _TRIM_S

    def _take_leave(self, stream: Stream) -> None:
        """End a stream whose writer is closed and whose records are all committed."""
        # Not with the lock held: it waits for an append, and a signal handler that has interrupted
        # that append may wait for the lock.
        if stream.finish():
            if self.connected:
                self._connection.send(stream.bye())
            with self.progress:
                self.remove(stream)
                self.progress.notify_all()

    def _pause(self, now: float) -> float | None:
        """Return how long to sleep, in seconds; None for "until woken"."""
        if not self._has_work():
            if now < self._awake_until:
                return min(COALESCE_S, self._awake_until - now)
            # From here on the next record wakes the link, if that is what it waits for; one that
            # came just before may not have.
            self._streams.park()
            if not self._has_work():
                return self._idle(now)
        if not self.connected:
            return max(0.0, self._next_attempt - now)
        return 0.0 if self._streams.are_urgent() else max(0.0, self._next_send - now)

    def _has_work(self) -> bool:
        """Whether there is something that the link itself can get done."""
        if not self.connected:
            return self._streams.are_pending()
        return self._streams.have_work()

    def _idle(self, now: float) -> float | None:
        """Return the time to the earliest deadline; give warm segments back after a while."""
        if self._trim_at is not None and now >= self._trim_at:
            self._trim_at = None
            self._streams.trim()
        due = [each for each in (self._streams.deadline(), self._trim_at) if each is not None]
        return max(0.0, min(due) - now) if due else None

    def _sleep(self, pause_s: float | None) -> None:
        """Wait until there is something to do or to hear."""
        self._connection.wait(pause_s)
        self._streams.unpark()

    # -- the connection

    def _attempt(self, now: float) -> None:
        """Look for a daemon and connect to it."""
        self._attempt_s = min(1.5 * self._attempt_s, _ATTEMPT_MAX_S)
        self._next_attempt = now + self._attempt_s
        if not self._launcher.attend(now):
            self._disconnect()
            if self._launcher.trouble:
                self._say(self._launcher.trouble)
            elif not self._launcher.enabled:
                self._say(f"no daemon serves {self._directory} and none may be started")
        elif not self._connection.is_open or now >= self._give_up_at:
            self._give_up_at = now + _CONNECT_TIMEOUT_S
            self._connection.open()

    def _disconnect(self) -> None:
        """Give the connection up; every session begins anew with the next one."""
        self._connection.close()
        for stream in self._streams:
            stream.outbox.disconnect()

    def _listen(self) -> None:
        """Take what has come from the daemon, and notice that it came or went."""
        before = self.connected
        for message in self._connection.receive():
            self._receive(message)
        if self.connected != before:
            self._attempt_s = _ATTEMPT_S
            if self.connected:
                self.trouble = ""
            else:
                self._next_attempt = 0.0
                self._disconnect()

    def _receive(self, message: messages.Message) -> None:
        """Give a message to the stream it is about."""
        now = time.monotonic()
        for stream in self._streams:
            if stream.session == message.session:
                acked, refused = stream.outbox.acked, stream.outbox.refused
                answer = stream.receive(message, now)
                if answer is not None:
                    self._connection.send(answer)
                if stream.outbox.refused and not refused:
                    warn(
                        __name__,
                        "tbxd: a record for %s cannot be written: %s;"
                        " stats()['refused'] counts how many follow",
                        stream.outbox.run,
                        stream.outbox.refusal,
                    )
                if stream.outbox.notice:
                    self._say(stream.outbox.notice)
                elif stream.outbox.acked > acked:
                    self.trouble = ""
                with self.progress:
                    self.progress.notify_all()

    def _say(self, trouble: str) -> None:
        """Log a trouble once, not each time it is met."""
        if trouble != self.trouble:
            self.trouble = trouble
            warn(__name__, "tbxd: %s; records are kept in the journal until it is over", trouble)
