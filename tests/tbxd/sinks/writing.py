"""Rounds written at once, on a disk that is waited for as long as it takes."""

from __future__ import annotations

from tbxd.config import Config, Fsync
from tbxd.sinks.descriptors import Descriptors
from tbxd.sinks.disk import Disk
from tbxd.sinks.patience import Patience
from tbxd.sinks.run_directory import RunDirectory
from tbxd.sinks.ticket import Ticket


def patient_disk(descriptors: Descriptors | None = None) -> Disk:
    """Return a disk that syncs nothing; to be closed."""
    config = Config("/nowhere", fsync=Fsync.NEVER)
    return Disk(config, lambda: None, patience=Patience(60.0), descriptors=descriptors)


def write(directory: RunDirectory, now: float) -> Ticket | None:
    """End a round of the directory, and return when the disk has done with it what it can."""
    ticket = directory.write(now)
    directory.disk.begin(0.0)
    directory.disk.finish(0.0)
    return ticket
