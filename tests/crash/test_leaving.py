"""A daemon that is told to leave while a disk keeps it in a write: nobody else writes before."""

from __future__ import annotations

import signal
from pathlib import Path

from tbxd.lock import daemon_is_there
from tbxd_client import SummaryWriter
from tests.waiting import wait_until

from . import disks, producer
from .field import Daemon
from .judge import judge

_COUNT = 1000


def _log(writer: SummaryWriter, first: int) -> None:
    for step in range(first, first + _COUNT):
        writer.add_scalar(producer.TAG, producer.value_of(step), step)


def _has_ended(pid: int) -> bool:
    """Return whether the main thread of a process is at its end, whatever the others are in."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"


def test_its_place_is_taken_until_the_write_is_over(tmp_path: Path, daemon: Daemon) -> None:
    daemon.start("--drain-timeout", "0.5")
    pid = daemon.pid()
    assert pid is not None
    with disks.disk(tmp_path) as disk:
        writer = SummaryWriter(disk / "run")
        _log(writer, 0)
        writer.flush()
        disks.run("fsfreeze", "--freeze", str(disk))
        try:
            _log(writer, _COUNT)
            wait_until(lambda: "does not answer" in writer.stats()["trouble"], "it is in the write")
            daemon.signal(signal.SIGTERM)
            wait_until(lambda: _has_ended(pid), "the daemon leaves")
            assert daemon_is_there(str(daemon.directory)), "another one might write the same"
        finally:
            disks.run("fsfreeze", "--unfreeze", str(disk))
        writer.close()
        assert daemon.pid() not in (None, pid), "another one has written the rest"
        assert judge(disk / "run", 2 * _COUNT, 2 * _COUNT).good
