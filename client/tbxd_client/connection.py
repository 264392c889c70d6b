"""One ZeroMQ connection to the daemon of a runtime directory, and word of when it breaks.

ZeroMQ hides that a peer is gone: what was on its way is lost without a word, and what is sent next
waits for a peer to come. So the socket is watched through its monitor, given up at the first
disconnection, and a new one made; what each session has to send again is for its machine to know.

Not for several threads: all but ``ring`` and ``forget_parent`` is called by the link's own.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct
import threading
from collections.abc import Iterator
from math import ceil

import zmq

# Needed by the first view, and imported here for its exit hook, which ends what views need: hooks
# run in reverse order, so this package's own, registered later, still sends what is left.
import zmq.utils.garbage

from tbxd_wire import messages, places
from tbxd_wire.descriptors import ZMQ_DESCRIPTORS, clear_of_standard, require

from . import fork
from .interruption import is_interruption

_RECONNECT_MS = 20
"""A daemon takes its lock a moment before it binds its socket."""

_VIEW_BYTES = zmq.COPY_THRESHOLD
"""From here on a payload is sent as a view: 64 KiB."""

_EVENT = struct.Struct("=H")
"""zmq_socket_monitor(3): the first part begins with the event's number. pyzmq's own reader of it
would import asyncio."""


class Connection:
    """A DEALER socket that is opened and closed as often as it takes.

    Attributes:
        is_open: whether there is a socket, connected or trying to.
        is_connected: whether a daemon is at the other end.

    Args:
        directory: the runtime directory; must exist.
    """

    def __init__(self, directory: str) -> None:
        self.is_connected = False
        self._directory = directory
        with clear_of_standard():
            self._directory_fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self._monitor: zmq.Socket[bytes] | None = None
        self._alone = select.poll()
        self._alone.register(self._bell, select.POLLIN)
        self._poller = zmq.Poller()
        self._heard: list[object] = []

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def open(self) -> None:
        """Make a socket and have it connect; ``receive`` finds out when it has."""
        self.close()
        with clear_of_standard():
            if self._context is None:
                require(ZMQ_DESCRIPTORS)
                self._context = zmq.Context(io_threads=1)
            # libzmq makes its threads and their descriptors with the first socket.
            socket = self._socket = self._context.socket(zmq.DEALER)
        # The window bounds what is on its way, in bytes; a mark in messages would only drop.
        socket.sndhwm = socket.rcvhwm = 0
        socket.linger = 0
        socket.reconnect_ivl = _RECONNECT_MS
        self._monitor = socket.get_monitor_socket(zmq.EVENT_CONNECTED | zmq.EVENT_DISCONNECTED)
        self._monitor.linger = 0
        self._poller = zmq.Poller()
        for each in (self._bell, socket, self._monitor):
            self._poller.register(each, zmq.POLLIN)
        socket.connect(places.endpoint(self._directory, self._directory_fd))

    def close(self) -> None:
        """Drop the socket, with what has not left it."""
        self.is_connected = False
        if self._socket is not None:
            self._socket.disable_monitor()
            if self._monitor is not None:
                self._monitor.close(linger=0)
            self._socket.close(linger=0)
            self._socket = self._monitor = None

    def end(self) -> None:
        """Close for good."""
        self.close()
        if self._context is not None:
            self._context.destroy(linger=0)
        os.close(self._directory_fd)
        os.close(self._bell)

    def send(self, message: messages.Message) -> None:
        """Send a message; a long payload leaves as a view of the caller's buffer."""
        assert self._socket is not None
        parts = messages.encode(message)
        try:
            # Short parts are copied all the same: that is cheaper than to keep track of them.
            views = [zmq.Frame(each, copy=None, copy_threshold=_VIEW_BYTES) for each in parts]
        except (RuntimeError, AttributeError):
            # Views need a thread of pyzmq's own, and an interpreter that is shutting down starts
            # none (from Python 3.12 on), or has taken it apart already.
            self._socket.send_multipart(parts, zmq.NOBLOCK)
        else:
            self._socket.send_multipart(views, zmq.NOBLOCK, copy=False)

    def ring(self) -> None:
        """Have ``wait`` return at once, now or when it is called next. From any thread."""
        try:
            os.eventfd_write(self._bell, 1)
        except OSError as error:
            if is_interruption(error):
                raise

    def wait(self, pause_s: float | None) -> None:
        """Sleep until something has come, the bell is rung, or the pause is over."""
        pause_ms = None if pause_s is None else ceil(pause_s * 1000)
        # What has nothing to say is not asked: each "nothing there" is an exception, and this is
        # done every few milliseconds, with the training threads waiting for the interpreter.
        heard = (self._alone if self._socket is None else self._poller).poll(pause_ms)
        self._heard = [each for each, _ in heard]
        if self._bell in self._heard:
            os.eventfd_read(self._bell)

    def receive(self) -> Iterator[messages.Message]:
        """Yield what the daemon has sent by the end of the last ``wait``.

        Then see whether it came or went, and close if it went.

        Raises:
            MessageError: what came is no message.
        """
        if self._socket is None or self._monitor is None:
            return
        if self._socket in self._heard:
            with contextlib.suppress(zmq.Again):
                while True:
                    yield messages.decode(self._socket.recv_multipart(zmq.NOBLOCK))
        if self._monitor in self._heard:
            with contextlib.suppress(zmq.Again):
                while True:
                    (event,) = _EVENT.unpack_from(self._monitor.recv_multipart(zmq.NOBLOCK)[0])
                    if event == zmq.EVENT_DISCONNECTED:
                        self.close()
                        return
                    self.is_connected = True

    def forget_parent(self) -> None:
        """In a forked child: keep the parent's sockets from ever being closed here."""
        fork.bury(self._context, self._socket, self._monitor)
        # The thread of pyzmq that views need is started with the first of them, under a lock. If
        # the parent was at it, nobody here would ever let go of that.
        zmq.utils.garbage.gc._lock = threading.Lock()
