"""Which file system a run directory lies on: links followed, mounts told apart."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tbxd.config import Config, Fsync
from tbxd.sinks import disks as disks_module
from tbxd.sinks.disks import Disks
from tests.crash import disks as mounts
from tests.waiting import wait_until


@pytest.fixture
def disks() -> Iterator[Disks]:
    made = Disks(Config("/nowhere", fsync=Fsync.NEVER), lambda: None, patience_s=60.0)
    yield made
    made.close()


def test_what_lies_together_is_one(disks: Disks, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert disks.of(str(tmp_path / "run")) is disks.of(str(tmp_path / "not" / "there"))


def test_each_mount_is_another_also_through_links(disks: Disks, tmp_path: Path) -> None:
    mounts.need("mount")
    (tmp_path / "link").symlink_to(tmp_path / "mounted" / "run")
    with mounts.mounted(tmp_path / "mounted", "-t", "tmpfs", "tmpfs") as where:
        other = disks.of(str(where / "run"))
        assert other is not disks.of(str(tmp_path / "run"))
        assert other is disks.of(str(tmp_path / "link"))
        assert other is disks.of(str(tmp_path / "link" / "rank1"))
        assert other is not disks.of(str(tmp_path / "mounted-not"))


@pytest.mark.parametrize("name", ["a\rb", "a\u2028b", "a\nb"])
def test_a_mount_whose_name_has_the_end_of_a_line_in_it(
    disks: Disks, tmp_path: Path, name: str
) -> None:
    mounts.need("mount")
    with mounts.mounted(tmp_path / name, "-t", "tmpfs", "tmpfs") as where:
        assert disks.of(str(where / "run")) is not disks.of(str(tmp_path / "run"))


def test_while_the_disk_with_the_link_is_silent_it_has_what_the_link_leads_to(
    tmp_path: Path,
) -> None:
    mounts.need("mount")
    disks = Disks(Config("/nowhere", fsync=Fsync.NEVER), lambda: None, patience_s=0.01)
    (tmp_path / "link").symlink_to(tmp_path / "mounted" / "run")
    gate = threading.Event()
    with mounts.mounted(tmp_path / "mounted", "-t", "tmpfs", "tmpfs"):
        here = disks.of(str(tmp_path / "run"))
        here.writing.begin(gate.wait)
        wait_until(lambda: here.writing.is_late, "it is late")
        assert disks.of(str(tmp_path / "link")) is here
        gate.set()
        wait_until(lambda: disks.of(str(tmp_path / "link")) is not here, "it has answered")
    disks.close()


def test_no_more_than_so_many_have_threads(
    disks: Disks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts.need("mount")
    first = disks.of(str(tmp_path / "run"))
    monkeypatch.setattr(disks_module, "_DISKS", 1)
    with mounts.mounted(tmp_path / "mounted", "-t", "tmpfs", "tmpfs") as where:
        assert disks.of(str(where / "run")) is first
