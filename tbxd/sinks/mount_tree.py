"""Which file system is mounted where, as the kernel lists it (proc(5), mountinfo)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ESCAPED = r"\\([0-7]{3})"


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount of a file system.

    Attributes:
        number: by which others name it as the one they lie on.
        device: which file system it is; two mounts may be of one.
    """

    number: str
    device: str


_NOWHERE = Mount("", "")


class MountTree:
    """Which file system is mounted where, each on another.

    Args:
        mountinfo: what the file of that name holds.

    Attributes:
        root: what is mounted at ``/``; a mount of no name if that is not listed.
        devices: of all file systems that are mounted.
    """

    def __init__(self, mountinfo: str) -> None:
        lines = [line.split(" ", 5) for line in mountinfo.split("\n")]
        listed = [fields[:5] for fields in lines if len(fields) >= 5]
        numbers = {fields[0] for fields in listed}
        self._at: dict[tuple[str, str], Mount] = {}
        for number, parent, device, _, point in listed:
            # What the topmost lies on is not listed, or is itself.
            on = parent if parent in numbers and parent != number else _NOWHERE.number
            # Spaces, tabs, newlines and backslashes stand there in octal.
            where = re.sub(_ESCAPED, lambda match: chr(int(match[1], 8)), point)
            self._at[on, where] = Mount(number, device)
        self.root = self.at(_NOWHERE, "/")
        self.devices = frozenset(mount.device for mount in (self.root, *self._at.values()))

    def at(self, mount: Mount, path: str) -> Mount:
        """Return what is to be found at ``path``, which lies on ``mount`` or is mounted on it.

        Args:
            mount: that of the directory above.
            path: absolute, without symbolic links.
        """
        while (above := self._at.get((mount.number, path))) is not None:
            mount = above
        return mount
