"""What this process weighs, read from /proc; what `tbxd status` shows of the daemon itself.

Never fails: a figure that the system does not give is 0.
"""

from __future__ import annotations

import importlib.metadata
import os

UNKNOWN_VERSION = "unknown"
"""Shown when the package runs from a source tree that was never installed."""


def rss_bytes() -> int:
    """Return the resident memory of this process."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def open_descriptors() -> int:
    """Return how many file descriptors this process has open."""
    try:
        # The listing itself holds one.
        return len(os.listdir("/proc/self/fd")) - 1
    except OSError:
        return 0


def version() -> str:
    """Return the release of the package as it is installed now."""
    try:
        return importlib.metadata.version("tbxd")
    except (OSError, importlib.metadata.PackageNotFoundError):
        return UNKNOWN_VERSION
