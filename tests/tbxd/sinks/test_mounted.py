"""What is mounted: read when it has changed, and only then."""

from __future__ import annotations

import contextlib
import gc
import os
from pathlib import Path

import pytest

from tbxd.sinks import mounted as mounted_module
from tbxd.sinks.mounted import Mounted
from tests.crash import disks


def device_of(path: Path) -> str:
    found = path.stat().st_dev
    return f"{os.major(found)}:{os.minor(found)}"


def test_each_change_is_seen(tmp_path: Path) -> None:
    disks.need("mount")
    mounted = Mounted()
    before = mounted.look()
    with disks.mounted(tmp_path / "one", "-t", "tmpfs", "tmpfs") as one:
        device = device_of(one)
        with_one = mounted.look()
        assert device in with_one.devices - before.devices
    assert device not in mounted.look().devices


def test_it_is_not_read_for_nothing() -> None:
    mounted = Mounted()
    # Somebody else may mount something just now.
    assert any(mounted.look() is mounted.look() for _ in range(100))


def test_without_any_list_all_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounted_module, "MOUNTINFO", str(tmp_path / "nothing"))
    mounted = Mounted()
    assert mounted.look().devices == {""}
    assert mounted.look() is mounted.look()


def mount_lists() -> set[str]:
    """Return this process's descriptors of the list of mounts."""
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        # The listing's own is gone by now.
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f"/proc/self/fd/{fd}").endswith("/mountinfo"):
                found.add(fd)
    return found


def test_its_descriptor_goes_with_it() -> None:
    # What other tests have left behind may go at any time.
    gc.collect()
    before = mount_lists()
    mounted = Mounted()
    (own,) = mount_lists() - before
    del mounted
    gc.collect()
    assert own not in mount_lists()
