"""Words to the service manager that started this process (sd_notify(3), without libsystemd).

::

    READY=1       the socket is bound; the dead journals of before have been looked at
    STATUS=...    one line for `systemctl status`
    WATCHDOG=1    the loop still turns; said at half of $WATCHDOG_USEC
    STOPPING=1    draining

Promises that a missing, full or broken notification socket never stops or delays the daemon.
Never opens anything when ``$NOTIFY_SOCKET`` is not set.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping

SOCKET_VARIABLE = "NOTIFY_SOCKET"
WATCHDOG_VARIABLE = "WATCHDOG_USEC"
WATCHDOG_PID_VARIABLE = "WATCHDOG_PID"


class Notifier:
    """The way to the service manager, or to nobody."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = _address(environ.get(SOCKET_VARIABLE, ""))
        self._socket: socket.socket | None = None
        self.watchdog_interval_s = _watchdog_interval_s(environ) if self._address else None
        """Seconds between two calls of :meth:`alive`; None: nobody watches."""

    def ready(self) -> None:
        """The daemon serves from now on."""
        self._say("READY=1")

    def stopping(self) -> None:
        """The daemon is on its way out."""
        self._say("STOPPING=1")

    def alive(self) -> None:
        """The loop still turns."""
        self._say("WATCHDOG=1")

    def status(self, line: str) -> None:
        """Show ``line`` to whoever asks the service manager."""
        self._say("STATUS=" + line.replace("\n", " "))

    def close(self) -> None:
        """Give the socket back; what is said afterwards opens it again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _say(self, text: str) -> None:
        if self._address is None:
            return
        with contextlib.suppress(OSError):
            if self._socket is None:
                self._socket = socket.socket(
                    socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
                )
            self._socket.sendto(text.encode(), self._address)


def _address(value: str) -> str | None:
    """Return the socket address that ``$NOTIFY_SOCKET`` names; "@" means the abstract space."""
    if value.startswith("@"):
        return "\0" + value[1:]
    return value if value.startswith("/") else None


def _watchdog_interval_s(environ: Mapping[str, str]) -> float | None:
    """Return half of the watchdog's time; None if it is not set or meant for another process."""
    pid = environ.get(WATCHDOG_PID_VARIABLE, "")
    if pid and pid != str(os.getpid()):
        return None
    try:
        period_us = int(environ.get(WATCHDOG_VARIABLE, ""))
    except ValueError:
        return None
    return period_us / 2e6 if period_us > 0 else None
