"""What a test has begun in its process and beside it, and how it ends.

A client lives as long as its process, with a thread and a dozen descriptors. Thousands of tests in
one process, each with a runtime directory of its own, would run out of them.
"""

from __future__ import annotations

import os
import signal

from tbxd_client import clients
from tbxd_client.launch import is_running
from tbxd_wire import places

from .waiting import wait_until


def end_clients() -> None:
    """End all sessions of this process and their links; what is not sent stays in journals."""
    by_directory = clients._clients._by_directory
    while by_directory:
        _, client = by_directory.popitem()
        client.close_all(0.0, "")
        client._link.stop(5.0)


def end_daemon(directory: str) -> None:
    """End the daemon that a test has started in ``directory``, if there is one."""
    if not is_running(directory):
        return
    with open(os.path.join(directory, places.DAEMON_LOCK), encoding="ascii") as file:
        pid = int(file.read().split()[1].rstrip(","))
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not is_running(directory), f"daemon {pid} to end")
