"""What kind of file system a directory lies on, as Linux says it (proc(5), mountinfo).

Journals are memory maps, locks and a socket. On a network file system maps of two machines do not
agree, a lost server ends whoever touches a page, locks may be missing and the socket leads nowhere.

Only a newline ends a line of it. What else Python takes for the end of one may stand in a name, so
it is to be read with newline="\\n".
"""

from __future__ import annotations

import os

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
