"""What a service manager hears, over a real datagram socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tbxd.notify import Notifier


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5.0)
        yield listening


def test_every_word_arrives(manager: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": manager.getsockname()})
    notifier.ready()
    notifier.status("two lines\nin one")
    notifier.alive()
    notifier.stopping()
    heard = [manager.recv(1000) for _ in range(4)]
    assert heard == [b"READY=1", b"STATUS=two lines in one", b"WATCHDOG=1", b"STOPPING=1"]
    notifier.close()


def test_an_abstract_socket() -> None:
    name = f"tbxd-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        listening.settimeout(5.0)
        notifier = Notifier({"NOTIFY_SOCKET": f"@{name}"})
        notifier.ready()
        assert listening.recv(100) == b"READY=1"
        notifier.close()


@pytest.mark.parametrize("where", ["", "relative/path", "/nowhere/at/all"])
def test_nobody_listening_is_no_error(where: str) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": where})
    notifier.ready()
    notifier.stopping()
    notifier.close()


def test_a_full_socket_does_not_block(manager: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": manager.getsockname()})
    for _ in range(2000):
        notifier.alive()
    notifier.close()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "often"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_at_half_its_time(
    environ: dict[str, str], expected: float | None
) -> None:
    assert Notifier({"NOTIFY_SOCKET": "/x", **environ}).watchdog_interval_s == expected
    assert Notifier(environ).watchdog_interval_s is None
