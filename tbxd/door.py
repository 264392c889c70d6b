"""The way in: the ROUTER socket, the file by which it is found, and how many may be connected.

A connection takes a descriptor, also if it never says a word, and libzmq ends the process when
there is none left for one. So they are counted, and let in one by one (tbxd.turnstile): libzmq's
monitor tells who came and who went, and the next one is let in while there is room. When there is
none, whoever comes waits in the kernel's backlog, with the records in the journal as always, until
somebody has gone; who is connected notices nothing. To unbind the socket would stop them as well,
but libzmq hangs up on everybody then.

Guarantees:
    No more are connected than their share, however many come and how fast, whatever holds the
    daemon up; or two more, if its own count is late. A start has no bound before the first turn,
    which is some 2 ms.
    Nothing of this holds where libzmq does not work as tbxd.turnstile expects it: then the daemon
    says so when it starts, and serves. Nor where there is room for _PLENTY and more; nor does it
    keep descriptors for a daemon whose limit is lowered while it runs.
    A file that is not this door's is never removed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import struct
from typing import Any

import zmq

from tbxd_wire import places
from tbxd_wire.errors import DirectoryError
from tbxd_wire.limits import PAYLOAD_BYTES

from . import lock
from .complaints import Complaints
from .turnstile import Turnstile

_BACKLOG = 4096
"""Connections that may wait: a start of many workers at once (100 is ZeroMQ's default)."""

_PLENTY = 10_000
"""More connections than one user has processes on a computer: where there is room for so many, none
is made to wait for its turn. (A process that logs has one; Linux gives 500,000 descriptors and more
to who asks, so it is where they were cut down that they are counted.)"""

_EVENT = struct.Struct("=HI")
"""zmq_socket_monitor(3): an event's number and, for those below, the descriptor it is about."""

_AT_ONCE = 100
_NEXT_MS = 5
"""How many are let in before a busy loop goes on, and how long it waits for the next of them: who
is there already comes 0.1 ms after the turn, or later where cores are scarce. Else each would take
a turn of the loop, which are 30 ms and more then."""

_MONITOR = "inproc://connections"
_EVENTS = (
    zmq.EVENT_LISTENING | zmq.EVENT_ACCEPTED | zmq.EVENT_ACCEPT_FAILED | zmq.EVENT_DISCONNECTED
)

_log = logging.getLogger(__name__)


class Door:
    """One bound socket of one runtime directory.

    Attributes:
        socket: the ROUTER.
        events: to poll: readable when :meth:`attend` has something to do.

    Args:
        directory: the runtime directory, whose lock is held.
        most: how many may be connected.
    """

    socket: zmq.Socket[bytes]
    events: zmq.Socket[bytes]

    def __init__(self, directory: str, most: int) -> None:
        self._directory = directory
        self._path = os.path.join(directory, places.SOCKET)
        self._most = most
        self._connections: set[int] = set()
        self._turnstile: Turnstile | None = None
        self._full = False
        self._times_full = 0
        self._own: tuple[int, int] | None = None
        self._complaints = Complaints(_log)

    def open(self, stack: contextlib.ExitStack, directory_fd: int) -> None:
        """Bind the socket, open to this user alone, and let the first one in.

        Args:
            stack: undoes it. What was sent then leaves within the socket's LINGER.
            directory_fd: an open descriptor of the directory; it stays open as long as the door.

        Raises:
            DirectoryError: the socket cannot be made there.
        """
        # ZeroMQ leaves the socket's file behind when it closes, and binds over one that it finds.
        self._remove()
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        stack.callback(context.term)
        socket = self.socket = context.socket(zmq.ROUTER)
        stack.callback(socket.close)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, PAYLOAD_BYTES)
        socket.setsockopt(zmq.BACKLOG, _BACKLOG)
        # A vanished peer is an error to be ignored here, instead of messages that vanish silently.
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.events = context.socket(zmq.PAIR)
        stack.callback(self.events.close)
        # libzmq waits where its events do not fit, and where nobody is there to hear them.
        self.events.setsockopt(zmq.RCVHWM, 0)
        socket.monitor(_MONITOR, _EVENTS)
        stack.callback(socket.disable_monitor)
        self.events.connect(_MONITOR)
        before = os.umask(0o177)
        try:
            socket.bind(places.endpoint(self._directory, directory_fd))
        except zmq.ZMQError as error:
            raise DirectoryError(
                self._directory, f"its {places.SOCKET} cannot be made: {error.strerror}"
            ) from None
        finally:
            os.umask(before)
        self._own = lock.identity(self._path)
        stack.callback(self._leave)
        _, listener = self._hear()
        if self._most >= _PLENTY:
            return
        try:
            self._turnstile = Turnstile(listener)
        except OSError as error:
            _log.warning("whoever comes is let in, until descriptors run out: %s", error)

    def attend(self, now: float, *, busy: bool) -> None:
        """Count who came and went, and let the next one in if there is room.

        To be called when there are events, and now and then: a turn may have failed.

        Args:
            now: the monotonic clock.
            busy: it may be long until the next call: let in all who wait.
        """
        for _ in range(_AT_ONCE):
            came = self._count()
            full, self._full = self._full, len(self._connections) >= self._most
            if self._full and not full:
                self._times_full += 1
                text = f"{len(self._connections)} connections are all there can be"
                self._complaints.say("full", f"{text}: who comes now waits for one to go", now)
            if self._full:
                return
            self._let_in(now)
            if not came or not self.events.poll(_NEXT_MS if busy else 0):
                return

    def facts(self) -> dict[str, Any]:
        """Return what `tbxd status` shows of it."""
        return {
            "connections": len(self._connections),
            "connections_limit": self._most,
            "times_full": self._times_full,
        }

    @property
    def full(self) -> bool:
        """Whether nobody is let in until somebody has gone."""
        return self._full

    def holds_its_place(self) -> bool:
        """Return whether the socket's file is still where others look for it."""
        return self._own is not None and lock.identity(self._path) == self._own

    def _count(self) -> bool:
        """Take all events that are there; return whether anybody has come."""
        came = False
        with contextlib.suppress(zmq.Again):
            while True:
                event, descriptor = self._hear()
                if event == zmq.EVENT_ACCEPTED:
                    self._connections.add(descriptor)
                    came = True
                elif event == zmq.EVENT_DISCONNECTED:
                    self._connections.discard(descriptor)
        return came

    def _let_in(self, now: float) -> None:
        """Let one more in."""
        if self._turnstile is not None:
            try:
                self._turnstile.turn()
            except OSError as error:
                self._complaints.say("turn", f"nobody is let in: {error}", now)

    def _hear(self) -> tuple[int, int]:
        """Return the next event and its descriptor; zmq.Again if there is none."""
        event, descriptor = _EVENT.unpack_from(self.events.recv_multipart(zmq.NOBLOCK)[0])
        return event, descriptor

    def _leave(self) -> None:
        """Remove the socket's file, unless it is another daemon's by now."""
        if self.holds_its_place():
            self._remove()

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self._path)
