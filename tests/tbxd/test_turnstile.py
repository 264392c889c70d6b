"""libzmq's own thread lets in one connection for each turn, and no more."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from tbxd import turnstile
from tbxd.turnstile import Turnstile

_PATIENCE_MS = 30_000
_QUIET_MS = 200
"""Long enough for a thousand connections that nothing stops."""


class Entrance:
    """A ROUTER, a turnstile before it, and whoever stands there."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._router = self._context.socket(zmq.ROUTER)
        self._events = self._router.get_monitor_socket(
            zmq.EVENT_LISTENING | zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED
        )
        self._router.bind(f"ipc://{path}")
        _, self.listener = self._event()
        self.turnstile = Turnstile(self.listener)
        self._crowd: list[socket.socket] = []

    def come(self, count: int) -> None:
        """Have so many connect."""
        for _ in range(count):
            self._crowd.append(socket.socket(socket.AF_UNIX))
            self._crowd[-1].connect(self._path)

    def leave(self) -> None:
        """Have the one leave that came first."""
        self._crowd.pop(0).close()

    def lets_in(self) -> bool:
        """Whether one is let in that was not yet; waits for it."""
        return self._event()[0] == zmq.EVENT_ACCEPTED

    def is_quiet(self) -> bool:
        """Whether nobody is let in."""
        return not self._events.poll(_QUIET_MS)

    def _event(self) -> tuple[int, int]:
        assert self._events.poll(_PATIENCE_MS), "nothing happens"
        event, descriptor = struct.unpack_from("=HI", self._events.recv_multipart()[0])
        return event, descriptor

    def close(self) -> None:
        for each in self._crowd:
            each.close()
        self._context.destroy(linger=0)


@pytest.fixture
def entrance(tmp_path: Path) -> Iterator[Entrance]:
    with contextlib.closing(Entrance(tmp_path / "socket")) as made:
        yield made


def test_one_is_let_in_for_each_turn(entrance: Entrance) -> None:
    entrance.come(50)
    assert entrance.lets_in()
    assert entrance.is_quiet()
    for _ in range(49):
        entrance.turnstile.turn()
        assert entrance.lets_in()
    entrance.turnstile.turn()
    assert entrance.is_quiet()
    entrance.come(1)
    assert entrance.lets_in()


def test_turns_that_nobody_takes_are_one(entrance: Entrance) -> None:
    for _ in range(10):
        entrance.turnstile.turn()
    entrance.come(10)
    assert entrance.lets_in()
    assert entrance.is_quiet()


def test_who_leaves_lets_nobody_in(entrance: Entrance) -> None:
    entrance.come(3)
    assert entrance.lets_in()
    entrance.leave()
    assert not entrance.lets_in()
    assert entrance.is_quiet()


def test_a_listener_that_libzmq_does_not_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turnstile, "_WATCHED_S", 0.05)
    with socket.socket(socket.AF_UNIX) as other, pytest.raises(OSError, match="no epoll is found"):
        Turnstile(other.fileno())


def test_a_turn_that_fails_is_an_error(entrance: Entrance) -> None:
    entrance.turnstile._epoll = os.open(os.devnull, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="Invalid argument"):
            entrance.turnstile.turn()
    finally:
        os.close(entrance.turnstile._epoll)
