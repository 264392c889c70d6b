"""The one thread of this process that talks to the daemon: the only socket, the only clock.

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
import logging
import os
import select
import struct
import threading
import time
from math import ceil

import zmq

from tbxd_wire import messages, places
from tbxd_wire.limits import COALESCE_S

from . import fork
from .launch import Launcher
from .outbox import State
from .stream import Stream

logger = logging.getLogger(__name__)

_EVENT = struct.Struct("=H")

_EAGER_BYTES = 256 * 1024
"""With so much to send there is nothing to gain from gathering more."""

_ATTEMPT_S = 0.02
"""How often to look for a daemon while one may be starting: grows by half each time."""

_ATTEMPT_MAX_S = 1.0
"""How often to look for a daemon when there has been none for a while."""

_CONNECT_TIMEOUT_S = 5.0
"""A connection that is not there after so long is tried anew."""

_TRIM_S = 10.0
"""A link that has sent nothing for so long gives its warm segments back."""

_RECOVERY_S = 1.0
"""Pause after an error that no part of this module expected."""


class Link:
    """Carries the streams of this process to the daemon of one runtime directory.

    Attributes:
        progress: notified whenever an ack, a notice or a refusal has come, or a stream is done.
        connected: whether there is a connection to a daemon.
        trouble: what stands in the way, in words; "" for nothing.

    Args:
        directory: the runtime directory; must exist.
        launcher: asked for a daemon when there is something to send and no daemon.
    """

    def __init__(self, directory: str, launcher: Launcher) -> None:
        self.progress = threading.Condition()
        self.connected = False
        self.trouble = ""
        self._directory = directory
        self._launcher = launcher
        self._streams: tuple[Stream, ...] = ()
        self._stopping = False
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self._monitor: zmq.Socket[bytes] | None = None
        self._directory_fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._attempt_s = _ATTEMPT_S
        self._next_attempt = 0.0
        self._give_up_at = 0.0
        self._next_send = 0.0
        self._awake_until = 0.0
        self._trim_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="tbxd-link", daemon=True)
        self._thread.start()

    # -- called from any thread

    def add(self, stream: Stream) -> None:
        """Carry ``stream`` from now on, until it is done."""
        with self.progress:
            self._streams = (*self._streams, stream)

    def remove(self, stream: Stream) -> None:
        """Carry ``stream`` no longer."""
        with self.progress:
            self._streams = tuple(each for each in self._streams if each is not stream)

    def may_progress(self) -> bool:
        """Whether there is a daemon, or one may be starting."""
        return self.connected or (self._launcher.enabled and not self._launcher.trouble)

    def wake(self) -> None:
        """Have a sleeping link look at its streams."""
        with contextlib.suppress(OSError):
            os.eventfd_write(self._bell, 1)

    def is_own_thread(self) -> bool:
        """Whether the caller is the link's thread, which must never wait for itself."""
        return threading.current_thread() is self._thread

    def stop(self, timeout_s: float) -> None:
        """End the thread and close the socket; what was not sent stays in the journals."""
        self._stopping = True
        self.wake()
        self._thread.join(timeout_s)

    def forget_parent(self) -> None:
        """In a forked child: keep the parent's sockets from ever being closed here."""
        fork.bury(self._context, self._socket, self._monitor)

    # -- the link's own thread

    def _run(self) -> None:
        while not self._stopping:
            try:
                now = time.monotonic()
                self._talk(now)
                self._sleep(self._pause(time.monotonic()))
                self._listen()
            except Exception as error:
                self.trouble = f"the link failed and starts anew: {error!r}"
                logger.warning("%s", self.trouble, exc_info=True)
                self._disconnect()
                self._next_attempt = time.monotonic() + _RECOVERY_S
        self._disconnect()
        if self._context is not None:
            self._context.destroy(linger=0)
        os.close(self._directory_fd)
        os.close(self._bell)

    def _talk(self, now: float) -> None:
        """Take leave, connect, greet and send, as far as it is time to."""
        for stream in self._streams:
            if stream.ending and not stream.is_pending():
                self._take_leave(stream)
        if not self.connected:
            if not any(stream.is_pending() for stream in self._streams):
                self._disconnect()
            elif now >= self._next_attempt:
                self._attempt(now)
            return
        for stream in self._streams:
            hello = stream.outbox.expired(now)
            if stream.outbox.state is State.SILENT and stream.is_pending():
                hello = stream.outbox.connect(now)
            if hello is not None:
                self._send(hello)
        unsent = sum(stream.unsent() for stream in self._streams)
        if unsent and (now >= self._next_send or unsent >= _EAGER_BYTES or self._is_urgent()):
            for stream in self._streams:
                for batch in stream.batches(now):
                    self._send(batch)
            self._next_send = now + COALESCE_S
            self._awake_until = now + 2 * COALESCE_S
            self._trim_at = now + _TRIM_S

    def _take_leave(self, stream: Stream) -> None:
        """End a stream whose writer is closed and whose records are all committed."""
        with self.progress:
            if stream.finish():
                if self.connected:
                    self._send(stream.bye())
                self.remove(stream)
                self.progress.notify_all()

    def _pause(self, now: float) -> float | None:
        """Return how long to sleep, in seconds; None for "until woken"."""
        if not self._has_work():
            if now < self._awake_until:
                return self._awake_until - now
            # From here on the next record wakes the link, if that is what it waits for; one that
            # came just before may not have.
            for stream in self._streams:
                stream.journal.parked = stream.awaits_record()
            if not self._has_work():
                return self._idle(now)
        if not self.connected:
            return max(0.0, self._next_attempt - now)
        return 0.0 if self._is_urgent() else max(0.0, self._next_send - now)

    def _has_work(self) -> bool:
        """Whether there is something that the link itself can get done."""
        if not self.connected:
            return any(stream.is_pending() for stream in self._streams)
        return any(stream.has_work() for stream in self._streams)

    def _is_urgent(self) -> bool:
        """Whether somebody waits for what can be sent."""
        return any(stream.is_urgent() for stream in self._streams)

    def _idle(self, now: float) -> float | None:
        """Return the time to the earliest deadline; give warm segments back after a while."""
        due = [
            stream.outbox.deadline for stream in self._streams if stream.outbox.deadline is not None
        ]
        if self._trim_at is not None:
            if now < self._trim_at:
                due.append(self._trim_at)
            else:
                self._trim_at = None
                for stream in self._streams:
                    stream.journal.trim()
        return max(0.0, min(due) - now) if due else None

    def _sleep(self, pause_s: float | None) -> None:
        """Wait for the bell, the socket, or the time."""
        pause_ms = None if pause_s is None else ceil(pause_s * 1000)
        if self._socket is None:
            waiting = select.poll()
            waiting.register(self._bell, select.POLLIN)
            waiting.poll(pause_ms)
        else:
            poller = zmq.Poller()
            poller.register(self._bell, zmq.POLLIN)
            poller.register(self._socket, zmq.POLLIN)
            poller.register(self._monitor, zmq.POLLIN)
            poller.poll(pause_ms)
        for stream in self._streams:
            stream.journal.parked = False
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)

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
        elif self._socket is None or now >= self._give_up_at:
            self._disconnect()
            self._give_up_at = now + _CONNECT_TIMEOUT_S
            self._connect()

    def _connect(self) -> None:
        if self._context is None:
            self._context = zmq.Context(io_threads=1)
        socket = self._socket = self._context.socket(zmq.DEALER)
        # The window bounds what is on its way, in bytes; a mark in messages would only drop.
        socket.sndhwm = socket.rcvhwm = 0
        socket.linger = 0
        socket.reconnect_ivl = 20
        self._monitor = socket.get_monitor_socket(zmq.EVENT_CONNECTED | zmq.EVENT_DISCONNECTED)
        self._monitor.linger = 0
        socket.connect(places.endpoint(self._directory, self._directory_fd))

    def _disconnect(self) -> None:
        self.connected = False
        if self._socket is None:
            return
        self._socket.disable_monitor()
        if self._monitor is not None:
            self._monitor.close(linger=0)
        self._socket.close(linger=0)
        self._socket = self._monitor = None
        for stream in self._streams:
            stream.outbox.disconnect()

    def _send(self, message: messages.Message) -> None:
        assert self._socket is not None
        # Parts above pyzmq's copy threshold (64 KiB) leave as views of the mapping.
        self._socket.send_multipart(messages.encode(message), zmq.NOBLOCK, copy=False)

    def _listen(self) -> None:
        """Take what has come from the daemon and from the monitor."""
        if self._monitor is None or self._socket is None:
            return
        with contextlib.suppress(zmq.Again):
            while True:
                self._receive(self._socket.recv_multipart(zmq.NOBLOCK))
        with contextlib.suppress(zmq.Again):
            while True:
                # zmq_socket_monitor(3): the first part is a u16 event and a u32 value. pyzmq's own
                # reader of it would import asyncio.
                (number,) = _EVENT.unpack_from(self._monitor.recv_multipart(zmq.NOBLOCK)[0])
                if number == zmq.EVENT_DISCONNECTED:
                    self._disconnect()
                    self._attempt_s = _ATTEMPT_S
                    self._next_attempt = 0.0
                    return
                self.connected = True
                self.trouble = ""
                self._attempt_s = _ATTEMPT_S

    def _receive(self, parts: list[bytes]) -> None:
        """Give a message to the stream it is about."""
        message = messages.decode(parts)
        now = time.monotonic()
        for stream in self._streams:
            if stream.session == message.session:
                answer = stream.receive(message, now)
                if answer is not None:
                    self._send(answer)
                if stream.outbox.notice:
                    self._say(stream.outbox.notice)
                with self.progress:
                    self.progress.notify_all()

    def _say(self, trouble: str) -> None:
        """Log a trouble once, not each time it is met."""
        if trouble != self.trouble:
            self.trouble = trouble
            logger.warning("tbxd: %s; records are kept in the journal until it is over", trouble)
