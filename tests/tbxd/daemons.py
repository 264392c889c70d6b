"""A real daemon in a process of its own, and a client that says exactly what a test wants."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import zmq

from tbxd.ask import ask
from tbxd.lock import daemon_is_there
from tbxd_wire import messages, places
from tbxd_wire.messages import Ack, Batch, Hello, Message, Refused, Welcome
from tests.waiting import wait_until

DEADLINE_S = 30.0

_Answer = TypeVar("_Answer")


class Daemon:
    """``tbxd serve`` for one runtime directory.

    Args:
        directory: the runtime directory.
        options: of the command.
        descriptors: how many it may have; as many as this process if it is not said.
        environment: variables that it has beside those of this process.
    """

    def __init__(
        self, directory: Path, *options: str, descriptors: int | None = None, **environment: str
    ) -> None:
        self.directory = directory
        self.log = directory.with_name(f"{directory.name}.log")
        self.log.parent.mkdir(exist_ok=True)
        command = [sys.executable, "-P", "-m", "tbxd", "--directory", str(directory), *options]
        if descriptors is not None:
            command = ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", *command]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stderr=log,
            )
        wait_until(lambda: self.answers() or self.process.poll() is not None, "the daemon is there")

    def answers(self) -> bool:
        """Return whether this daemon has its socket."""
        here = daemon_is_there(str(self.directory))
        return here and (self.directory / places.SOCKET).exists()

    def facts(self) -> dict[str, Any]:
        """Return what ``tbxd status`` shows."""
        facts: dict[str, Any] = ask(str(self.directory))
        return facts

    def session(self, name: bytes) -> dict[str, Any]:
        """Return what it shows of one session."""
        facts: dict[str, Any]
        (facts,) = (each for each in self.facts()["sessions"] if each["session"] == name.hex())
        return facts

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Return the exit code, once it is there."""
        return self.process.wait(DEADLINE_S)

    def kill(self) -> None:
        """Kill it, and wait until it is gone."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        if kind is not None:
            sys.stderr.write(self.log.read_text())


class Client:
    """One DEALER socket, connected to the daemon of a directory.

    Attributes:
        refused: what the daemon has said of records that it could not write.
    """

    def __init__(self, directory: Path) -> None:
        self.refused: list[Refused] = []
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RECONNECT_IVL, 10)
        self._directory_fd = os.open(directory, os.O_RDONLY)
        self._socket.connect(places.endpoint(str(directory), self._directory_fd))

    def send(self, message: Message) -> None:
        """Send a message."""
        self.send_raw(*messages.encode(message))

    def send_raw(self, *parts: bytes | memoryview) -> None:
        """Send whatever a test wants."""
        self._socket.send_multipart(parts)

    def receive(self, kind: type[_Answer], timeout_s: float = DEADLINE_S) -> _Answer:
        """Return the next message, which must be of ``kind``; what was refused stands aside."""
        while isinstance(message := self.next(timeout_s), Refused) and kind is not Refused:
            self.refused.append(message)
        assert isinstance(message, kind), message
        return message

    def next(self, timeout_s: float = DEADLINE_S) -> Message:
        """Return the next message, whatever it is."""
        if not self._socket.poll(int(timeout_s * 1000)):
            raise AssertionError("no answer came")
        return messages.decode(self._socket.recv_multipart())

    def hears_nothing(self) -> bool:
        """Return whether no message is there now."""
        return not self._socket.poll(0)

    def say_hello(self, hello: Hello) -> Welcome:
        """Say hello, and return the welcome."""
        self.send(hello)
        return self.receive(Welcome)

    def log(self, session: bytes, position: int, frames: bytes) -> int:
        """Send frames in one batch, wait for the ack of all of them, and return its position."""
        end = position + len(frames)
        self.send(Batch(session, position, 0, 0, frames))
        while (ack := self.receive(Ack)).position < end:
            pass
        return ack.position

    def close(self) -> None:
        """Close the socket, unless it is closed."""
        if self._socket.closed:
            return
        self._socket.close()
        self._context.term()
        os.close(self._directory_fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
