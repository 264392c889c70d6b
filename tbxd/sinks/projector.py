"""The files of an embedding beside the event file, and the configuration that names them.

Guarantees:
    At any instant each file is as it was before or as it is to be, whole; and what the
    configuration says about an embedding is true of its files. To write the same again changes
    nothing, so a record may be replayed.
    Embeddings that others have put into the configuration stay in it as they are.
    Only a regular file in the run's own directory is read for it, and none that is larger than
    any configuration is. What else stands under that name is neither followed nor opened nor moved.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Iterator

from tbxd.format import projector_config
from tbxd.format.projection import Projection
from tbxd.format.projector_config import CONFIG, CONFIG_BYTES

from . import directories
from .bounds import UNBOUNDED, Bounds

DAMAGED = CONFIG + ".damaged"
"""What a configuration is called from then on that cannot be read, and with which TensorBoard's
projector fails for all runs. Its whole blocks go on in the new one."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_busy: set[tuple[int, int]] = set()
"""The run directories whose configuration is being read, changed and written."""
_busy_lock = threading.Lock()
"""Held only around a change of the set."""


def write(directory: str, projection: Projection, bounds: Bounds = UNBOUNDED) -> None:
    """Write an embedding into a run's directory; from any thread.

    Args:
        directory: path of the run's directory, which is made if it is not there.
        projection: of the same tag and step as an earlier one, it takes its place.
        bounds: where it may lie, and what is to stay free there.

    Raises:
        OSError: what the disk did, or that another thread is at it in this directory. Nothing is
            lost by it, and the same may be tried again.
        FileExistsError, IsADirectoryError, NotADirectoryError: something else stands in the way.
        OSError: EFBIG, for a file would be larger than any may be here, or the configuration is too
            large to be one.
    """
    try:
        _write(directory, projection, bounds)
    except OSError as error:
        if not os.path.isabs(error.filename or ""):
            # The name of a file in it, or none, tells nobody where it is.
            error.filename = directory
        raise


def _write(directory: str, projection: Projection, bounds: Bounds) -> None:
    place = bounds.resolve(os.path.join(directory, projection.place))
    run = bounds.resolve(directory)
    with (
        directories.made(place) as (within, parents),
        directories.opened(run) as above,
        _alone(directory, above),
    ):
        kept, previous = projector_config.split(_read_config(above), projection.name)
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
            directories.sync(each, within)
        if previous != [block]:
            _replace(above, CONFIG, projector_config.joined(kept, block).encode())
            os.fsync(above)


@contextlib.contextmanager
def _alone(directory: str, descriptor: int) -> Iterator[None]:
    """Have a run directory for this thread alone as long as the context lasts.

    Threads meet in one only if its embeddings lie on several file systems, or if it has several
    names. None waits for the other, which may be where nothing answers.

    Raises:
        OSError: EBUSY, another thread has it.
    """
    found = os.fstat(descriptor)
    identity = found.st_dev, found.st_ino
    with _busy_lock:
        if identity in _busy:
            raise OSError(errno.EBUSY, "another embedding is being written", directory)
        _busy.add(identity)
    try:
        yield
    finally:
        with _busy_lock:
            _busy.discard(identity)


def _read_config(run: int) -> str:
    """Return the configuration that is there, "" for none; what is none is replaced by one."""
    content = _content(run)
    text = content.decode(errors="replace")
    if text.encode() == content and projector_config.is_valid(text):
        return text
    text = projector_config.salvaged(text)
    # Whoever may not read what cannot be read may not do so under another name.
    _replace(run, CONFIG, text.encode(), aside=DAMAGED)
    return text


def _content(run: int) -> bytes:
    """Return what the configuration's file holds."""
    try:
        # Opens nothing: a link may lead to what others may not read, a device does what it does.
        found = os.open(CONFIG, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=run)
    except FileNotFoundError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(found).st_mode):
            raise FileExistsError(errno.EEXIST, f"{CONFIG} is not a regular file")
        descriptor = os.open(f"/proc/self/fd/{found}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(found)
    with open(descriptor, "rb") as file:
        content = file.read(CONFIG_BYTES + 1)
    if len(content) > CONFIG_BYTES:
        raise OSError(errno.EFBIG, f"{CONFIG} has more than {CONFIG_BYTES:,} bytes")
    return content


def _replace(directory: int, name: str, content: bytes, aside: str | None = None) -> None:
    """Make ``name`` a file of this content, with the content on stable storage.

    Args:
        aside: what the file that has the name now is called from then on; None: it goes.
    """
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
        if aside is not None:
            os.rename(name, aside, src_dir_fd=directory, dst_dir_fd=directory)
        try:
            os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        except OSError:
            if aside is not None:
                os.rename(aside, name, src_dir_fd=directory, dst_dir_fd=directory)
            raise
    except OSError:
        # Where the disk is full, it gives its room back.
        os.unlink(temporary, dir_fd=directory)
        raise
