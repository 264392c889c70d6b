"""A daemon as systemd starts it: the units' own arguments, and a parent that hears what it says."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from tbxd.ask import ask
from tbxd.lock import daemon_is_there
from tbxd_wire.errors import ConfigError

from .units import UNITS, arguments

_DEADLINE_S = 30.0
_WATCHDOG_S = 0.4


class Manager:
    """A service manager for one daemon, reduced to the notification protocol (sd_notify(3))."""

    def __init__(self, unit: Path, place: Path) -> None:
        self.directory = place / "runtime"
        # What systemd makes of RuntimeDirectory=.
        self.directory.mkdir(mode=0o700, exist_ok=True)
        address = place / "notify"
        address.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(address))
        self._socket.settimeout(_DEADLINE_S)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tbxd", *arguments(unit, self.directory)],
            env={
                **os.environ,
                "NOTIFY_SOCKET": str(address),
                "WATCHDOG_USEC": str(int(_WATCHDOG_S * 1e6)),
            },
            stderr=subprocess.DEVNULL,
        )

    def hear(self) -> str:
        """Return the next word, without its status lines."""
        while True:
            word = self._socket.recv(4096).decode()
            if not word.startswith("STATUS="):
                return word

    def hear_until(self, expected: str) -> list[str]:
        """Return what is heard before ``expected``."""
        before: list[str] = []
        while (word := self.hear()) != expected:
            before.append(word)
        return before

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._socket.close()


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tbxd-") as directory:
        yield Path(directory)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_whole_life(unit: Path, place: Path) -> None:
    with Manager(unit, place) as manager:
        assert manager.hear() == "READY=1"
        # Ready means ready: it answers at once.
        assert ask(str(manager.directory))["daemon"]["pid"] == manager.process.pid
        heard = []
        for _ in range(5):
            assert manager.hear() == "WATCHDOG=1"
            heard.append(time.monotonic())
        # The shortest: a busy machine may make any of them longer.
        gap_s = min(later - earlier for earlier, later in itertools.pairwise(heard))
        assert gap_s < 0.75 * _WATCHDOG_S
        manager.process.send_signal(signal.SIGTERM)
        assert set(manager.hear_until("STOPPING=1")) <= {"WATCHDOG=1"}
        assert manager.process.wait(_DEADLINE_S) == 0
        assert not daemon_is_there(str(manager.directory))


def test_it_is_not_ready_where_another_serves(place: Path) -> None:
    with Manager(UNITS[0], place) as first:
        assert first.hear() == "READY=1"
        elsewhere = place / "second"
        elsewhere.mkdir()
        os.symlink(first.directory, elsewhere / "runtime")
        with Manager(UNITS[0], elsewhere) as second:
            code = second.process.wait(_DEADLINE_S)
            # A failure that Restart=on-failure tries again, not one that it must not.
            assert code not in (0, ConfigError.exit_code)
            second._socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                second.hear()


def test_a_loop_that_hangs_is_heard_no_more(place: Path) -> None:
    with Manager(UNITS[0], place) as manager:
        manager.hear_until("READY=1")
        manager.process.send_signal(signal.SIGSTOP)
        # It is stopped once wait says so; what it said until then is taken from the socket.
        os.waitpid(manager.process.pid, os.WUNTRACED)
        manager._socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.hear_until("nothing")
        manager._socket.settimeout(3 * _WATCHDOG_S)
        with pytest.raises(TimeoutError):
            manager.hear()
        manager._socket.settimeout(_DEADLINE_S)
        manager.process.send_signal(signal.SIGCONT)
        assert manager.hear() == "WATCHDOG=1"
