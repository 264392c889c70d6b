"""One question to the daemon of a directory: how are things?

What `tbxd status` and `tbxd exec` stand on. Never starts a daemon, and never waits longer than it
was told.
"""

from __future__ import annotations

import os
import time
from typing import Any

import zmq

from tbxd_wire import messages, places
from tbxd_wire.descriptors import ZMQ_DESCRIPTORS, require
from tbxd_wire.errors import DaemonUnreachable, MessageError
from tbxd_wire.limits import REPORT_HEAD_BYTES

from .lock import daemon_is_there, who_is_leaving

ANSWER_TIMEOUT_S = 5.0
"""A daemon that is well answers within one round, some 50 ms."""


def ask(directory: str, timeout_s: float = ANSWER_TIMEOUT_S) -> dict[str, Any]:
    """Return the facts of the daemon that serves ``directory`` (see :mod:`tbxd.report`).

    Raises:
        DaemonUnreachable: there is none, or it did not answer in time.
        DirectoryError: somebody else could answer there.
    """
    if os.path.lexists(directory):
        places.require_private(directory, os.getuid())
    if not daemon_is_there(directory):
        raise DaemonUnreachable(
            directory, "none is running there; start one with `tbxd serve`, or log something"
        )
    try:
        require(ZMQ_DESCRIPTORS)
    except OSError as error:
        raise DaemonUnreachable(directory, f"this process cannot ask: {error.strerror}") from None
    directory_fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            socket.connect(places.endpoint(directory, directory_fd))
            socket.send_multipart(messages.encode(messages.Status(messages.NO_SESSION)))
            return _report(socket, directory, timeout_s)
    finally:
        os.close(directory_fd)


def _report(socket: zmq.Socket[bytes], directory: str, timeout_s: float) -> dict[str, Any]:
    """Wait for the report; whatever else comes is not for us."""
    deadline = time.monotonic() + timeout_s
    while (left_s := deadline - time.monotonic()) > 0:
        if not socket.poll(int(left_s * 1000) + 1):
            continue
        try:
            message = messages.decode(socket.recv_multipart(), REPORT_HEAD_BYTES)
        except MessageError as error:
            raise DaemonUnreachable(directory, f"its answer cannot be read: {error}") from None
        if isinstance(message, messages.Report):
            return message.facts
    if who := who_is_leaving(directory):
        raise DaemonUnreachable(
            directory,
            f"the daemon with {who} is leaving: it was told to stop, and still writes what it has"
            " accepted",
        )
    raise DaemonUnreachable(
        directory,
        f"no answer within {timeout_s:g} s: it is held up, or has no room for another connection",
    )
