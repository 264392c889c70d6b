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


@pytest.mark.parametrize("end", ["\r", "\r\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
def test_names_that_hold_what_ends_a_line_elsewhere(end: str) -> None:
    listed = f"31 27 0:27 / /mnt/odd{end}name rw - nfs4 server:/ rw\n"
    assert mounts.type_of(os.makedev(0, 27), listed) == "nfs4"
