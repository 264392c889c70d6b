"""What a daemon can be told, in one frozen value that was checked once.

Promises that whoever holds a :class:`Config` holds a usable one. Never reads the environment, the
command line or a file: the commands do, and pass on what they found.
"""

from __future__ import annotations

import enum
import math
import os
from dataclasses import dataclass

from tbxd_wire.errors import ConfigError
from tbxd_wire.limits import MIB

MEMORY_LIMIT_MIN_BYTES = 1 * MIB
"""Below this a handful of sessions would be down to one record at a time."""

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@enum.unique
class Fsync(enum.Enum):
    """When event files are forced onto stable storage; a killed process never needs it."""

    NEVER = "never"
    """The operating system decides (about 30 s on Linux)."""
    INTERVAL = "interval"
    """Every ``fsync_interval_s``, beside the intake."""
    COMMIT = "commit"
    """Before a record is acknowledged."""


@dataclass(frozen=True, slots=True)
class Config:
    """How one daemon runs.

    Raises:
        ConfigError: a field has a value that cannot be used.
    """

    directory: str
    """Runtime directory, absolute: socket, lock and journals lie there."""
    idle_exit_s: float | None = None
    """Seconds without any session and without work after which the daemon leaves; None: never."""
    fsync: Fsync = Fsync.INTERVAL
    """When event files are forced onto stable storage."""
    fsync_interval_s: float = 1.0
    """Seconds between two rounds of ``Fsync.INTERVAL``."""
    memory_limit_bytes: int = 256 * MIB
    """Most bytes all sessions together may have sent and not yet seen committed."""
    roots: tuple[str, ...] = ()
    """Directories beneath which all event files lie; none: anywhere."""
    keep_free_bytes: int = 0
    """Bytes of the event files' file systems that nothing is written into."""
    notes: bool = True
    """Whether runs say how their sessions fared, in events of the daemon's own."""
    drain_timeout_s: float = 10.0
    """Seconds a daemon that was told to stop goes on trying to write what it has accepted."""
    log_level: str = "INFO"
    """Least important level that is logged, one of ``LOG_LEVELS``."""

    def __post_init__(self) -> None:
        if not os.path.isabs(self.directory) or "\0" in self.directory:
            raise ConfigError(f"the directory must be an absolute path, not {self.directory!r}")
        for root in self.roots:
            if not os.path.isabs(root) or "\0" in root:
                raise ConfigError(f"a root must be an absolute path, not {root!r}")
        if self.idle_exit_s is not None and not 0 <= self.idle_exit_s < math.inf:
            raise ConfigError(f"the idle time must be seconds from 0 on, not {self.idle_exit_s}")
        if not 0 < self.fsync_interval_s < math.inf:
            raise ConfigError(
                f"the fsync interval must be seconds above 0, not {self.fsync_interval_s}"
            )
        if self.memory_limit_bytes < MEMORY_LIMIT_MIN_BYTES:
            raise ConfigError(
                f"the memory limit must be at least {MEMORY_LIMIT_MIN_BYTES} bytes,"
                f" not {self.memory_limit_bytes}"
            )
        if self.keep_free_bytes < 0:
            raise ConfigError(
                f"what is to stay free must be bytes from 0 on, not {self.keep_free_bytes}"
            )
        if not 0 <= self.drain_timeout_s < math.inf:
            raise ConfigError(
                f"the drain timeout must be seconds from 0 on, not {self.drain_timeout_s}"
            )
        if self.log_level not in LOG_LEVELS:
            raise ConfigError(
                f"the log level must be one of {', '.join(LOG_LEVELS)}, not {self.log_level!r}"
            )
