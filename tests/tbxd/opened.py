"""What a process has open."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def opened(part: str, pid: int | str = "self") -> int:
    """Return how many descriptors the process has of what has ``part`` in its name."""
    count = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        # One may be closed between the listing and the look; that of the listing is.
        with contextlib.suppress(FileNotFoundError):
            count += part in os.readlink(link)
    return count
