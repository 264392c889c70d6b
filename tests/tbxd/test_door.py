"""More connections than a real daemon has descriptors for.

Without a bound, libzmq ends the process there: ``Too many open files (src/ipc_listener.cpp:297)``.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tbxd import door, turnstile
from tbxd.ask import ask
from tbxd.cli import group
from tbxd.door import Door
from tbxd.reading.events import events_of
from tbxd.shares import Shares
from tbxd.turnstile import Turnstile
from tbxd_wire import messages, places
from tbxd_wire.errors import DaemonUnreachable
from tbxd_wire.messages import Hello, Report, Status, Welcome
from tests.waiting import wait_until

from .daemons import Client, Daemon
from .hellos import hello_of, scalar_frame, scalar_frames
from .opened import opened
from .zmtp import Peer

_LIMIT = 256
_CROWD = 3 * _LIMIT

_TRAINER = """
import sys
from tbxd_client import SummaryWriter
with SummaryWriter(sys.argv[1]) as writer:
    for step in range(1000):
        writer.add_scalar("loss", 1.0, step)
    print("logged", flush=True)
    writer.flush(60)
"""


def steps_in(directory: Path) -> list[int]:
    return [event.step for event in events_of(str(directory)) if event.HasField("summary")]


def facts_over(client: Client) -> dict[str, Any]:
    """Return what the daemon says of itself to somebody who is connected."""
    client.send(Status(messages.NO_SESSION))
    daemon: dict[str, Any] = client.receive(Report).facts["daemon"]
    return daemon


class Crowd:
    """Connections that say nothing, made as fast as one process can."""

    def __init__(self, directory: Path, count: int) -> None:
        self._sockets = [socket.socket(socket.AF_UNIX) for _ in range(count)]
        for each in self._sockets:
            each.connect(str(directory / places.SOCKET))

    def close(self) -> None:
        """Hang up, all of them."""
        while self._sockets:
            self._sockets.pop().close()


def test_a_silent_crowd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was there is served meanwhile, who comes is served afterwards, and nothing is lost."""
    monkeypatch.setenv(places.DIRECTORY_VARIABLE, str(tmp_path / "rt"))
    most = Shares(_LIMIT).connections
    with Daemon(tmp_path / "rt", descriptors=_LIMIT) as daemon, Client(daemon.directory) as first:
        hello, late_hello = hello_of(str(tmp_path / "first")), hello_of(str(tmp_path / "late"))
        first.say_hello(hello)
        position = 0
        with closing(Crowd(daemon.directory, _CROWD)) as crowd:
            for step in range(100):
                position = first.log(hello.session, position, scalar_frame(step))
            wait_until(lambda: facts_over(first)["connections"] == most, "it is full")
            assert opened("socket:", daemon.process.pid) < most + 10
            with (
                Client(daemon.directory) as late,
                subprocess.Popen(
                    [sys.executable, "-c", _TRAINER, str(tmp_path / "trainer")],
                    stdout=subprocess.PIPE,
                    text=True,
                ) as trainer,
            ):
                late.send(late_hello)
                assert trainer.stdout is not None
                assert trainer.stdout.readline() == "logged\n"
                position = first.log(hello.session, position, scalar_frame(100))
                assert late.hears_nothing()
                facts = facts_over(first)
                assert (facts["connections"], facts["connections_limit"]) == (most, most)
                assert facts["times_full"] >= 1
                crowd.close()
                late.receive(Welcome)
                late.log(late_hello.session, 0, scalar_frames(0, 3))
                assert trainer.wait(60) == 0
        wait_until(lambda: daemon.facts()["daemon"]["connections"] == 2, "all others have gone")
        assert first.log(hello.session, position, scalar_frame(101)) > position
        shown = CliRunner().invoke(group, ["status", "--directory", str(daemon.directory)])
        assert f"2 connections of {most} that there can be" in shown.output
    assert steps_in(tmp_path / "first") == list(range(102))
    assert steps_in(tmp_path / "late") == list(range(3))
    assert steps_in(tmp_path / "trainer") == list(range(1000))
    # Nobody took the daemon for gone and started another one.
    assert not (daemon.directory / places.DAEMON_LOG).exists()
    assert f"{most} connections are all there can be" in daemon.log.read_text()


def test_more_clients_than_can_be_connected(tmp_path: Path) -> None:
    """As many as there is room for are served; each that goes makes room for another one."""
    limit, count = 160, 70
    most = Shares(limit).connections
    assert most < count
    hellos = [hello_of(str(tmp_path / f"run{number}")) for number in range(count)]
    with Daemon(tmp_path / "rt", descriptors=limit) as daemon, ExitStack() as stack:
        waiting = [(stack.enter_context(Client(daemon.directory)), hello) for hello in hellos]
        for client, hello in waiting:
            client.send(hello)

        def inside() -> list[tuple[Client, Hello]]:
            return [each for each in waiting if not each[0].hears_nothing()]

        for expected in (most, count - most):
            wait_until(lambda expected=expected: len(inside()) >= expected, "there is no room left")  # type: ignore[misc]
            served = inside()
            assert len(served) == expected
            for client, hello in served:
                client.receive(Welcome)
                client.log(hello.session, 0, scalar_frames(0, 3))
            # Not before all have logged: each that goes lets another one in.
            for each in served:
                waiting.remove(each)
                each[0].close()
        assert daemon.facts()["daemon"]["times_full"] >= 1
    for hello in hellos:
        assert steps_in(Path(hello.run)) == [0, 1, 2]


def test_told_to_stop_while_it_is_full(tmp_path: Path) -> None:
    with (
        Daemon(tmp_path / "rt", descriptors=_LIMIT) as daemon,
        Client(daemon.directory) as client,
    ):
        hello = hello_of(str(tmp_path / "run"))
        client.say_hello(hello)
        with closing(Crowd(daemon.directory, _CROWD)):
            wait_until(lambda: facts_over(client)["times_full"], "it is full")
            with pytest.raises(DaemonUnreachable, match="no room for another connection"):
                ask(str(daemon.directory), 0.5)
            client.log(hello.session, 0, scalar_frame(0))
            daemon.signal(signal.SIGTERM)
            assert daemon.wait() == 0
    assert not (daemon.directory / places.SOCKET).exists()
    assert steps_in(tmp_path / "run") == [0]


def test_every_connection_counts_while_it_is_there(tmp_path: Path) -> None:
    with Daemon(tmp_path / "rt") as daemon, Client(daemon.directory) as client, ExitStack() as rude:
        assert facts_over(client)["connections"] == 1
        silent = rude.enter_context(closing(Crowd(daemon.directory, 7)))
        for _ in range(3):
            rude.enter_context(Peer(daemon.directory))
        wait_until(lambda: facts_over(client)["connections"] == 11, "all are counted")
        silent.close()
        wait_until(lambda: facts_over(client)["connections"] == 4, "those that hung up are not")
        for content in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(300), b"\xff" * 100):
            other = rude.enter_context(socket.socket(socket.AF_UNIX))
            other.connect(str(daemon.directory / places.SOCKET))
            other.sendall(content)
        rude.close()
        wait_until(lambda: facts_over(client)["connections"] == 1, "nobody else is there")


def test_a_busy_loop_lets_all_in_who_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where libzmq's thread gets no core at once; and it goes on in between, if many do."""
    monkeypatch.setattr(door, "_NEXT_MS", 1000)
    monkeypatch.setattr(door, "_AT_ONCE", 4)
    directory_fd = os.open(tmp_path, os.O_RDONLY)
    with ExitStack() as stack:
        stack.callback(os.close, directory_fd)
        entrance = Door(str(tmp_path), 1000)
        entrance.open(stack, directory_fd)
        turn = Turnstile.turn

        def turn_late(own: Turnstile) -> None:
            threading.Timer(0.05, turn, [own]).start()

        monkeypatch.setattr(Turnstile, "turn", turn_late)
        stack.enter_context(closing(Crowd(tmp_path, 6)))
        for expected in (4, 6):
            assert entrance.events.poll(30_000)
            entrance.attend(0.0, busy=True)
            assert entrance.facts()["connections"] == expected


def test_a_libzmq_that_works_in_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Then the daemon serves as it did without a bound, and says so."""
    monkeypatch.setattr(turnstile, "_WATCHED_S", 0.0)
    monkeypatch.setattr(turnstile, "_watcher", lambda _: None)
    directory_fd = os.open(tmp_path, os.O_RDONLY)
    with ExitStack() as stack:
        stack.callback(os.close, directory_fd)
        unbound = Door(str(tmp_path), 3)
        unbound.open(stack, directory_fd)
        assert "until descriptors run out" in caplog.text
        stack.enter_context(closing(Crowd(tmp_path, 5)))

        def counted() -> bool:
            unbound.attend(0.0, busy=False)
            return unbound.facts() == {"connections": 5, "connections_limit": 3, "times_full": 1}

        wait_until(counted, "all are let in")
        assert unbound.full


def test_where_there_is_plenty_nobody_waits_for_a_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "_PLENTY", 3)
    directory_fd = os.open(tmp_path, os.O_RDONLY)
    with ExitStack() as stack:
        stack.callback(os.close, directory_fd)
        wide = Door(str(tmp_path), 3)
        wide.open(stack, directory_fd)
        stack.enter_context(closing(Crowd(tmp_path, 2)))
        came = []
        for _ in range(2):
            # Nobody attends, and yet the second one gets in.
            assert wide.events.poll(30_000)
            came.append(wide.events.recv_multipart())
        assert len(came) == 2


def test_a_socket_that_is_another_daemons_is_left_alone(tmp_path: Path) -> None:
    directory_fd = os.open(tmp_path, os.O_RDONLY)
    path = tmp_path / places.SOCKET
    with ExitStack() as stack:
        stack.callback(os.close, directory_fd)
        own = Door(str(tmp_path), 3)
        own.open(stack, directory_fd)
        assert own.holds_its_place()
        path.unlink()
        assert not own.holds_its_place()
        path.write_text("of another one")
        assert not own.holds_its_place()
    assert path.read_text() == "of another one"
