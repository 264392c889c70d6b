"""ZMTP by hand, for peers that no library would be: the greeting, the handshake, a frame's head."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from tbxd_wire import places

from .daemons import DEADLINE_S

_GREETING = b"\xff" + bytes(8) + b"\x7f\3\0" + b"NULL".ljust(20, b"\0") + bytes(32)
assert len(_GREETING) == 64

_MORE, _LONG, _COMMAND = 1, 2, 4


def _named(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value


_READY = b"\5READY" + _named(b"Socket-Type", b"DEALER") + _named(b"Identity", b"")


class Peer:
    """A DEALER on the daemon's socket, down to the byte."""

    def __init__(self, directory: Path) -> None:
        # By its descriptor: a socket's path may not be long.
        self._directory_fd = os.open(directory, os.O_RDONLY)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(DEADLINE_S)
        self._socket.connect(f"/proc/self/fd/{self._directory_fd}/{places.SOCKET}")
        self._socket.sendall(_GREETING)
        self._receive(len(_GREETING))
        self._socket.sendall(bytes([_COMMAND, len(_READY)]) + _READY)
        flags, size = self._receive(2)
        assert flags == _COMMAND
        assert self._receive(size).startswith(b"\5READY")

    def claim(self, size: int, *, more: bool = False) -> None:
        """Announce a part of ``size`` bytes, and send the first few of them."""
        head = bytes([_LONG | (_MORE if more else 0)]) + size.to_bytes(8, "big")
        self._socket.sendall(head + b"tbxd")

    def is_dropped(self) -> bool:
        """Whether the other side hangs up; waits for it."""
        try:
            return self._socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def _receive(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            part = self._socket.recv(size - len(found))
            assert part, "the daemon has hung up"
            found += part
        return found

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
        os.close(self._directory_fd)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
