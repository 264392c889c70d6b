"""The HTTP server of ``tbxd metrics --listen``: anybody may connect, and nobody for long.

Guarantees:
    No more than CONNECTIONS are open, each with a thread of its own. Whoever comes beyond that is
    answered, and the one that was there longest is hung up on: an answer takes some 20 ms.
    A connection over which nothing moves for IDLE_S is hung up on.
"""

from __future__ import annotations

import contextlib
import socket
from collections import OrderedDict
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import WSGIApplication

CONNECTIONS = 32
"""Far more than anybody has servers that collect metrics."""

IDLE_S = 5.0
"""Whoever collects metrics sends its question at once."""


class _Handler(WSGIRequestHandler):
    timeout = IDLE_S

    def handle(self) -> None:
        # Nobody is waiting any more.
        with contextlib.suppress(TimeoutError, ConnectionError):
            super().handle()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: each question would be a line."""


class Exposition(ThreadingMixIn, WSGIServer):
    """Answers with an application, until ``shutdown`` is called.

    Args:
        host: the address to listen on, or its name.
        port: 0 takes any.
        application: what answers.

    Raises:
        OSError: this cannot be listened on.
    """

    daemon_threads = True
    request_queue_size = 4 * CONNECTIONS

    def __init__(self, host: str, port: int, application: WSGIApplication) -> None:
        self._open: OrderedDict[Any, None] = OrderedDict()
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family, *_, address = found[0]
        super().__init__((str(address[0]), port), _Handler)
        self.set_app(application)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own."""
        if len(self._open) >= CONNECTIONS:
            # One may just have ended by itself; else its thread wakes, and closes it.
            with contextlib.suppress(KeyError, OSError):
                self._open.popitem(last=False)[0].shutdown(socket.SHUT_RDWR)
        self._open[request] = None
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Hang up."""
        self._open.pop(request, None)
        super().shutdown_request(request)
