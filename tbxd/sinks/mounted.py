"""What is mounted, as often as one likes to ask: it is read anew only when it has changed."""

from __future__ import annotations

import select
import weakref
from typing import BinaryIO

from tbxd_wire.mounts import MOUNTINFO

from .mount_tree import MountTree


class Mounted:
    """Follows what is mounted for this process. Asks no file system but that of the kernel.

    It has a descriptor, which goes with it.
    """

    def __init__(self) -> None:
        self._tree = MountTree("")
        self._changes = select.poll()
        self._file: BinaryIO | None = None
        try:
            self._file = open(MOUNTINFO, "rb", buffering=0)  # noqa: SIM115
        except OSError:
            # No such list here: all is one.
            return
        weakref.finalize(self, self._file.close)
        # The kernel tells each change once, to each who has it open (proc(5)).
        self._changes.register(self._file, select.POLLPRI)
        self._read(self._file)

    def look(self) -> MountTree:
        """Return what is mounted now; another object if that has changed."""
        if self._file is not None and self._changes.poll(0):
            self._read(self._file)
        return self._tree

    def _read(self, file: BinaryIO) -> None:
        file.seek(0)
        self._tree = MountTree(file.read().decode(errors="surrogateescape"))
