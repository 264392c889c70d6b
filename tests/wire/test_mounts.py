"""Which file systems a runtime directory may lie on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tbxd_client import SummaryWriter
from tbxd_wire import mounts, places
from tbxd_wire.errors import DirectoryError

from . import fuse

MOUNTINFO = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
97 27 0:52 /home /home rw,relatime shared:7 master:1 - nfs4 server:/export rw,vers=4.2
98 27 0:53 / /a\\040space rw - fuse.sshfs user@host:/ rw,user_id=0
garbage
27 1 254:0 / / rw,relatime - ext4 /dev/root rw
"""


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ((0, 52), "nfs4"),
        ((0, 53), "fuse.sshfs"),
        ((254, 0), "ext4"),
        ((0, 5), None),
    ],
)
def test_a_device_is_found_by_its_number(device: tuple[int, int], expected: str | None) -> None:
    assert mounts.type_of(os.makedev(*device), MOUNTINFO) == expected


def type_here(path: Path) -> str:
    text = Path(mounts.MOUNTINFO).read_text()
    found = mounts.type_of(path.stat().st_dev, text)
    if found is None:
        pytest.skip("the temporary directory's file system is not listed")
    return found


def test_this_machines_own_list_is_understood() -> None:
    assert type_here(Path("/proc")) == "proc"


def test_a_writer_says_where_to_go_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "NETWORK", {type_here(tmp_path)})
    monkeypatch.setenv(places.DIRECTORY_VARIABLE, str(tmp_path / "rt"))
    with pytest.raises(DirectoryError, match=r"lies on a network file system .* set TBXD_DIR to"):
        SummaryWriter(tmp_path / "run")


def test_a_daemon_does_not_start_there(tmp_path: Path) -> None:
    code = f"""
from tbxd_wire import mounts
mounts.NETWORK = {{{type_here(tmp_path)!r}}}
from tbxd.cli import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, "serve", "--directory", str(tmp_path / "rt")],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert "lies on a network file system" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_list_every_directory_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mounts, "NETWORK", {type_here(tmp_path)})
    monkeypatch.setattr(mounts, "MOUNTINFO", "/nowhere/at/all")
    mounts.refuse_network(str(tmp_path))


@pytest.mark.parametrize("name", ["sshfs", "s3fs"])
def test_a_real_one_is_refused_by_both_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with fuse.mounted(tmp_path / "rt", name) as runtime:
        assert type_here(runtime) == f"fuse.{name}"
        monkeypatch.setenv(places.DIRECTORY_VARIABLE, str(runtime))
        reason = rf"lies on a network file system \(fuse\.{name}\).*; set TBXD_DIR to a directory"
        with pytest.raises(DirectoryError, match=reason):
            SummaryWriter(tmp_path / "run")
        done = subprocess.run(
            [sys.executable, "-m", "tbxd", "serve"],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.returncode == 1
        assert re.fullmatch(rf"tbxd: {runtime}: {reason}.*\n", done.stderr)


def test_a_real_one_of_this_machine_is_not(tmp_path: Path) -> None:
    with fuse.mounted(tmp_path / "rt", "ntfs-3g") as runtime:
        assert type_here(runtime) == "fuse.ntfs-3g"
        mounts.refuse_network(str(runtime))


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
    tree = mounts.MountTree(mountinfo)
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
    assert mounts.MountTree(MOUNTS).devices == {"8:1", "0:21", "0:22", "0:24", "0:25"}


def test_a_root_that_lies_on_itself() -> None:
    assert devices_on_the_way("/mnt", "1 1 0:1 / / rw - rootfs rootfs rw") == ["0:1"]


@pytest.mark.parametrize("end", ["\r", "\r\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
def test_names_that_hold_what_ends_a_line_elsewhere(end: str) -> None:
    listed = f"{MOUNTS}31 27 0:27 / /mnt/odd{end}name rw - nfs4 server:/ rw\n"
    assert devices_on_the_way(f"/mnt/odd{end}name/run", listed)[-1] == "0:27"
    assert devices_on_the_way("/mnt/odd/run", listed)[-1] != "0:27"
    assert mounts.type_of(os.makedev(0, 27), listed) == "nfs4"


def test_without_any_list_all_is_one() -> None:
    assert devices_on_the_way("/mnt/run", "") == [""]


def test_where_the_root_is_no_mount_the_others_are_found() -> None:
    assert devices_on_the_way("/mnt/run", "23 22 0:21 / /mnt rw - tmpfs tmpfs rw") == ["", "0:21"]
