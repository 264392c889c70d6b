"""What kind of file system a directory lies on, as Linux says it (proc(5), mountinfo).

Journals are memory maps, locks and a socket. On a network file system maps of two machines do not
agree, a lost server ends whoever touches a page, locks may be missing and the socket leads nowhere.

Only a newline ends a line of it. What else Python takes for the end of one may stand in a name, so
it is to be read with newline="\\n".
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from .errors import DirectoryError

MOUNTINFO = "/proc/self/mountinfo"

NETWORK = frozenset(
    {
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "gfs2",
        "gpfs",
        "lustre",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "smb3",
        "smbfs",
        "fuse.beegfs",
        "fuse.ceph",
        "fuse.cephfs",
        "fuse.gcsfuse",
        "fuse.glusterfs",
        "fuse.goofys",
        "fuse.juicefs",
        "fuse.moosefs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.seaweedfs",
        "fuse.sshfs",
    }
)
"""Types of file systems whose files lie on other machines. (9p is not among them: for the sandboxes
that use it, it is the machine's own disk.)"""

_ESCAPED = r"\\([0-7]{3})"


def type_of(device: int, mountinfo: str) -> str | None:
    """Return the type of the file system that is ``device``, or None if it is not listed.

    Args:
        device: st_dev of any file of it.
        mountinfo: what the file of that name holds.
    """
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in mountinfo.split("\n"):
        mount, separator, file_system = line.partition(" - ")
        if separator and mount.split(" ")[2:3] == [wanted]:
            return file_system.split(" ", 1)[0]
    return None


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


def refuse_network(directory: str) -> None:
    """Return if ``directory``, which must exist, is not known to lie on another machine.

    Raises:
        DirectoryError: it does; the message says where to go instead.
    """
    try:
        with open(MOUNTINFO, encoding="utf-8", errors="replace", newline="\n") as file:
            found = type_of(os.stat(directory).st_dev, file.read())
    except OSError:
        # No such list: nothing speaks against the directory.
        return
    if found in NETWORK:
        raise DirectoryError(
            directory,
            f"lies on a network file system ({found}), where memory maps and locks cannot be relied"
            " on; set TBXD_DIR to a directory of this machine, for instance"
            f" /tmp/tbxd-{os.getuid()} (the run directories may lie anywhere)",
        )
