"""Which file system is mounted where, and on the way to a path."""

from __future__ import annotations

import pytest

from tbxd.sinks.mount_tree import MountTree

MOUNTS = r"""
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
26 23 0:24 / /mnt/hidden rw - tmpfs tmpfs rw
23 22 0:21 / /mnt rw - tmpfs tmpfs rw
27 23 0:25 / /mnt rw - tmpfs tmpfs rw
24 27 0:22 / /mnt/scratch rw shared:1 - nfs4 server:/scratch rw
25 27 8:1 /var /mnt/with\040space\134 rw - ext4 /dev/sda1 rw
28 22 0:26 /
"""


def devices_on_the_way(path: str, mountinfo: str) -> list[str]:
    tree = MountTree(mountinfo)
    mount, found = tree.root, [tree.root.device]
    here = ""
    for name in filter(None, path.split("/")):
        here = f"{here}/{name}"
        below = tree.at(mount, here)
        if below is not mount:
            found.append(below.device)
        mount = below
    return found


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/home/me/run", ["8:1"]),
        ("/", ["8:1"]),
        # What is mounted there twice is what was mounted last, and hides what is beneath.
        ("/mnt", ["8:1", "0:25"]),
        ("/mnt/hidden/run", ["8:1", "0:25"]),
        ("/mnt/scratch/run", ["8:1", "0:25", "0:22"]),
        ("/mnt/scratch2/run", ["8:1", "0:25"]),
        ("/mntscratch", ["8:1"]),
        ("/mnt/with space\\/run", ["8:1", "0:25", "8:1"]),
    ],
)
def test_what_is_mounted_on_the_way(path: str, found: list[str]) -> None:
    assert devices_on_the_way(path, MOUNTS) == found


def test_all_that_is_mounted() -> None:
    assert MountTree(MOUNTS).devices == {"8:1", "0:21", "0:22", "0:24", "0:25"}


def test_a_root_that_lies_on_itself() -> None:
    assert devices_on_the_way("/mnt", "1 1 0:1 / / rw - rootfs rootfs rw") == ["0:1"]


@pytest.mark.parametrize("end", ["\r", "\r\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
def test_names_that_hold_what_ends_a_line_elsewhere(end: str) -> None:
    listed = f"{MOUNTS}31 27 0:27 / /mnt/odd{end}name rw - nfs4 server:/ rw\n"
    assert devices_on_the_way(f"/mnt/odd{end}name/run", listed)[-1] == "0:27"
    assert devices_on_the_way("/mnt/odd/run", listed)[-1] != "0:27"


def test_without_any_list_all_is_one() -> None:
    assert devices_on_the_way("/mnt/run", "") == [""]


def test_where_the_root_is_no_mount_the_others_are_found() -> None:
    assert devices_on_the_way("/mnt/run", "23 22 0:21 / /mnt rw - tmpfs tmpfs rw") == ["", "0:21"]
