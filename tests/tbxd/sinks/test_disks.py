"""Which disk a run directory is on: links followed, mounts told apart, and let go in the end."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tbxd.config import Config, Fsync
from tbxd.sinks import disks as disks_module
from tbxd.sinks.disks import Disks, Unplaced
from tbxd.sinks.lane import Lane
from tests.crash import disks as mounts
from tests.waiting import wait_until
from tests.wire import fuse

SHORT_S = 0.01


@pytest.fixture
def disks() -> Iterator[Disks]:
    made = Disks(Config("/nowhere", fsync=Fsync.NEVER), lambda: None, patience_s=60.0)
    yield made
    made.close()


@pytest.fixture
def hasty() -> Iterator[Disks]:
    made = Disks(Config("/nowhere", fsync=Fsync.NEVER), lambda: None, patience_s=SHORT_S)
    yield made
    made.close()


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[list[Path]]:
    """Three file systems."""
    mounts.need("mount")
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(mounts.mounted(tmp_path / f"fs{number}", "-t", "tmpfs", "tmpfs"))
            for number in range(3)
        ]


def is_placed(disks: Disks, path: Path) -> bool:
    try:
        disks.of(str(path))
    except Unplaced:
        return False
    return True


def has_ended(lane: Lane) -> bool:
    """Return whether a lane has had a thread, and has none any more."""
    assert lane._thread is not None
    return not lane._thread.is_alive()


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


def test_a_link_belongs_to_both_that_it_needs(disks: Disks, mounted: list[Path]) -> None:
    here, there, _ = mounted
    (here / "link").symlink_to(there)
    along = disks.of(str(here / "link" / "run"))
    assert along is not disks.of(str(here / "run"))
    assert along is not disks.of(str(there / "run"))


def test_one_file_system_in_two_places_is_one(disks: Disks, tmp_path: Path) -> None:
    mounts.need("mount")
    (tmp_path / "part").mkdir()
    with mounts.mounted(tmp_path / "again", "--bind", str(tmp_path / "part")) as again:
        assert disks.of(str(again / "run")) is disks.of(str(tmp_path / "part" / "run"))


@pytest.mark.parametrize("how", ["mounted", "linked"])
def test_where_a_path_leads_may_change(disks: Disks, mounted: list[Path], how: str) -> None:
    here, there, _ = mounted
    before = disks.of(str(here / "jobs" / "run"))
    with contextlib.ExitStack() as stack:
        if how == "mounted":
            stack.enter_context(mounts.mounted(here / "jobs", "-t", "tmpfs", "tmpfs"))
        else:
            (here / "jobs").symlink_to(there)
        assert disks.of(str(here / "jobs" / "run")) is not before
        assert disks.of(str(here / "run")) is before


def test_where_a_link_leads_is_asked_of_the_disk_that_has_it(
    hasty: Disks, mounted: list[Path]
) -> None:
    """Until it has answered nobody goes there; and it is asked once, however slow it is."""
    here, there, _ = mounted
    (here / "link").symlink_to(there)
    wait_until(lambda: is_placed(hasty, here / "run"), "the disk is there")
    disk = hasty.of(str(here / "run"))
    gate = threading.Event()
    disk.writing.begin(gate.wait)
    wait_until(lambda: disk.writing.is_late, "it is late")
    with pytest.raises(Unplaced) as caught:
        hasty.of(str(here / "link" / "run"))
    question = caught.value.question
    assert question.disk is disk
    with pytest.raises(Unplaced) as caught:
        hasty.of(str(here / "link" / "run"))
    assert caught.value.question is question
    assert question.is_silent(b"any session")
    gate.set()
    wait_until(lambda: not question.is_silent(b"any session"), "it has answered")
    wait_until(lambda: is_placed(hasty, here / "link" / "run"), "the path is followed")


def test_what_a_link_leads_to_is_not_asked_with_the_disk_that_has_it(
    hasty: Disks, mounted: list[Path], tmp_path: Path
) -> None:
    here = mounted[0]
    silence = fuse.Silence()
    with fuse.mounted(tmp_path / "away", "nobody", silence) as away:
        (here / "link").symlink_to(away / "runs")
        wait_until(lambda: silence.waiting or is_placed(hasty, here / "link" / "a"), "it is asked")
        wait_until(lambda: silence.waiting, "it does not answer")
        wait_until(lambda: is_placed(hasty, here / "run"), "the other answers")
        assert not hasty.of(str(here / "run")).writing.is_late
        silence.end()
        wait_until(lambda: is_placed(hasty, here / "link" / "a"), "it answers")


def test_questions_that_nobody_asks_again_are_dropped(
    hasty: Disks, mounted: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disks_module, "_QUESTIONS", 1)
    wait_until(lambda: is_placed(hasty, mounted[0] / "run"), "the disk is there")
    disk = hasty.of(str(mounted[0] / "run"))
    gate = threading.Event()
    disk.writing.begin(gate.wait)
    wait_until(lambda: disk.writing.is_late, "it is late")
    with pytest.raises(Unplaced) as caught:
        hasty.of(str(mounted[0] / "a"))
    first = caught.value.question
    assert first.is_silent(b"")
    with pytest.raises(Unplaced) as caught:
        hasty.of(str(mounted[0] / "b"))
    assert not first.is_silent(b"")
    assert caught.value.question.is_silent(b"")
    gate.set()


def test_beyond_so_many_the_rest_share_one_of_their_own(
    disks: Disks, mounted: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disks_module, "_DISKS", 2)
    root = disks.of("/")
    first, second, third = (disks.of(str(each / "run")) for each in mounted)
    assert second is third
    assert len({root, first, second}) == 3


def test_what_was_unmounted_is_let_go(disks: Disks, tmp_path: Path) -> None:
    mounts.need("mount")
    with mounts.mounted(tmp_path / "job", "-t", "tmpfs", "tmpfs") as job:
        disk = disks.of(str(job / "run"))
        disk.reading.ask(os.listdir, str(job))
        disk.descriptors.keep("somebody", descriptor := os.open(job, os.O_RDONLY))
        disks.let_go(())
        assert disks.of(str(job / "run")) is disk
    disks.let_go({disk})
    assert not has_ended(disk.writing)
    disks.let_go(())
    for lane in (disk.writing, disk.reading):
        wait_until(partial(has_ended, lane), "the thread has ended")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_few_that_are_idle_are_kept(
    disks: Disks, mounted: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (disks.of(str(each / "run")) for each in mounted)
    monkeypatch.setattr(disks_module, "_IDLE_DISKS", 2)
    disks.of(str(mounted[0] / "again"))
    disks.let_go({second})
    assert disks.of(str(mounted[1] / "run")) is second
    assert disks.of(str(mounted[0] / "run")) is first
    disks.let_go(())
    assert disks.of(str(mounted[2] / "run")) is not third


def test_those_who_share_get_their_own_when_there_is_room(
    disks: Disks, mounted: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disks_module, "_DISKS", 1)
    root = disks.of("/")
    shared = disks.of(str(mounted[0] / "run")), disks.of(str(mounted[1] / "run"))
    assert shared[0] is shared[1] is not root
    disks.let_go(set(shared))
    assert disks.of(str(mounted[1] / "run")) is shared[1]
    monkeypatch.setattr(disks_module, "_DISKS", 64)
    disks.let_go({root})
    assert disks.of(str(mounted[1] / "run")) is not disks.of(str(mounted[2] / "run"))
