"""Directories made and synced: what both event files and the files beside them stand on."""

from __future__ import annotations

import os


def make(directory: str) -> list[str]:
    """Make ``directory`` with its parents; return the parents of those that were missing."""
    missing: list[str] = []
    place = directory
    while not os.path.isdir(place) and place != os.path.dirname(place):
        place = os.path.dirname(place)
        missing.append(place)
    os.makedirs(directory, exist_ok=True)
    return missing


def sync(directory: str) -> None:
    """Have the names in ``directory`` on stable storage; one that was deleted has none.

    Raises:
        OSError: the storage failed, or the directory cannot be opened.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
