"""The files of an embedding beside the event file, and the configuration that names them.

Guarantees:
    At any instant each file is as it was before or as it is to be, whole; and what the
    configuration says about an embedding is true of its files. To write the same again changes
    nothing, so a record may be replayed.
    Embeddings that others have put into the configuration stay in it as they are.
"""

from __future__ import annotations

import contextlib
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

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

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
        try:
            _write(directory, projection, bounds)
        except OSError as error:
            if error.filename and not os.path.isabs(error.filename):
                # The name of a file in it tells nobody where it is.
                error.filename = directory
            raise


def _write(directory: str, projection: Projection, bounds: Bounds) -> None:
    place = bounds.resolve(os.path.join(directory, projection.place))
    run = bounds.resolve(directory)
    with directories.made(place) as (within, parents), directories.opened(run) as above:
        kept, previous = projector_config.split(_read_config(above, bounds), projection.name)
        block = projector_config.block_of(projection)
        if previous and previous != [block]:
            # What it says will not be true of the new files, for example their shape: on the way
            # from the old embedding to the new one there is none.
            _replace(above, CONFIG, kept.encode())
            os.fsync(above)
        bounds.check_room(within, sum(map(len, projection.files.values())))
        for name, content in projection.files.items():
            _replace(within, name, content)
        os.fsync(within)
        for each in parents:
            directories.sync(each)
        if previous != [block]:
            _replace(above, CONFIG, projector_config.joined(kept, block).encode())
            os.fsync(above)


def _read_config(run: int, bounds: Bounds) -> str:
    """Return the configuration that is there, "" for none; what is none is replaced by one."""
    try:
        # A pipe holds nobody, and is empty.
        descriptor = os.open(CONFIG, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=run)
    except FileNotFoundError:
        return ""
    with open(descriptor, "rb") as file:
        # It may be a link. What cannot be read goes on under another name.
        bounds.check_opened(descriptor)
        content = file.read()
    text = content.decode(errors="replace")
    if text.encode() == content and projector_config.is_valid(text):
        return text
    _replace(run, DAMAGED, content)
    text = projector_config.salvaged(text)
    _replace(run, CONFIG, text.encode())
    return text


def _replace(directory: int, name: str, content: bytes) -> None:
    """Make ``name`` a file of this content, with the content on stable storage."""
    # The same name each time, so that what a killed daemon leaves goes and is not kept.
    # (TensorBoard takes every file with "tfevents" in its name for one of events.)
    temporary = f".{name}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=directory)
    descriptor = os.open(temporary, _NEW, 0o666, dir_fd=directory)
    try:
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        # Where the disk is full, it gives its room back.
        os.unlink(temporary, dir_fd=directory)
        raise
