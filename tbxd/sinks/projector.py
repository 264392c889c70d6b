"""The files of an embedding beside the event file, and the configuration that names them.

Guarantees:
    At any instant each file is as it was before or as it is to be, whole; and what the
    configuration says about an embedding is true of its files. To write the same again changes
    nothing, so a record may be replayed.
    Embeddings that others have put into the configuration stay in it as they are.
"""

from __future__ import annotations

import os
import threading

from tbxd.format import projector_config
from tbxd.format.projection import Projection
from tbxd.format.projector_config import CONFIG

from . import directories
from .bounds import UNBOUNDED, Bounds

DAMAGED = CONFIG + ".damaged"
"""Where a configuration is kept that cannot be read, and with which TensorBoard's projector fails
for all runs. Its whole blocks go on in the new one."""

_locks = [threading.Lock() for _ in range(16)]
"""A directory's is that of its hash: its configuration is read, changed and written under it."""


def write(directory: str, projection: Projection, bounds: Bounds = UNBOUNDED) -> None:
    """Write an embedding into a run's directory; from any thread.

    Args:
        directory: path of the run's directory, which is made if it is not there.
        projection: of the same tag and step as an earlier one, it takes its place.
        bounds: where it may lie, and what is to stay free there.

    Raises:
        OSError: what the disk did. Nothing is lost by it, and the same may be tried again.
    """
    with _locks[hash(directory) % len(_locks)]:
        _write(directory, projection, bounds)


def _write(directory: str, projection: Projection, bounds: Bounds) -> None:
    place = os.path.join(directory, projection.place)
    bounds.check_place(place)
    config = os.path.join(directory, CONFIG)
    kept, previous = projector_config.split(_read_config(config, bounds), projection.name)
    block = projector_config.block_of(projection)
    if previous and previous != [block]:
        # What it says will not be true of the new files, for example their shape: on the way from
        # the old embedding to the new one there is none.
        _replace(config, kept.encode(), bounds)
        directories.sync(directory)
    made = directories.make(place)
    bounds.check_room(place, sum(map(len, projection.files.values())))
    for name, content in projection.files.items():
        _replace(os.path.join(place, name), content, bounds)
    for each in (place, *made):
        directories.sync(each)
    if previous != [block]:
        _replace(config, projector_config.joined(kept, block).encode(), bounds)
        directories.sync(directory)


def _read_config(path: str, bounds: Bounds) -> str:
    """Return the configuration that is there, "" for none; what is none is replaced by one."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        return ""
    text = content.decode(errors="replace")
    if text.encode() == content and projector_config.is_valid(text):
        return text
    _replace(os.path.join(os.path.dirname(path), DAMAGED), content, bounds)
    text = projector_config.salvaged(text)
    _replace(path, text.encode(), bounds)
    return text


def _replace(path: str, content: bytes, bounds: Bounds) -> None:
    """Make ``path`` a file of this content, with the content on stable storage."""
    directory, name = os.path.split(path)
    # The same name each time, so that what a killed daemon leaves is overwritten and not kept.
    # (TensorBoard takes every file with "tfevents" in its name for one of events.)
    temporary = os.path.join(directory, f".{name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o666)
    try:
        try:
            bounds.check_opened(descriptor)
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, path)
    except OSError:
        # Where the disk is full, it gives its room back.
        os.unlink(temporary)
        raise
