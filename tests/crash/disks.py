"""File systems of a test's own, which it may fill, freeze and break."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def run(*command: str) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, check=True, capture_output=True)


def need(*programs: str) -> None:
    """Skip the test where it cannot mount anything, or one of ``programs`` is not here."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} here")


@contextlib.contextmanager
def mounted(where: Path, *arguments: str) -> Iterator[Path]:
    """Mount something at ``where``."""
    where.mkdir()
    run("mount", *arguments, str(where))
    try:
        yield where
    finally:
        run("umount", "--lazy", str(where))


@contextlib.contextmanager
def disk(root: Path) -> Iterator[Path]:
    """A file system on a disk of 64 MiB, which may be frozen and remounted."""
    need("mkfs.ext4", "fsfreeze", "chattr")
    image = root / "image"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    run("mkfs.ext4", "-q", str(image))
    with contextlib.ExitStack() as stack:
        try:
            where = stack.enter_context(mounted(root / "disk", "-o", "loop", str(image)))
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no disk can be mounted here: {error.stderr!r}")
        yield where


class ThinDisk:
    """A file system on a disk that has less room than it says, and without a journal of its own.

    What it cannot store it has taken all the same; who syncs is told so, once.

    Attributes:
        where: its mount point.
    """

    def __init__(self, pool: Path, where: Path) -> None:
        self.where = where
        self._pool = pool

    @contextlib.contextmanager
    def exhausted(self) -> Iterator[None]:
        """Nothing that is new can be stored."""
        hog = self._pool / "hog"
        with hog.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 16))
        try:
            yield
        finally:
            hog.unlink()

    def mount_anew(self) -> None:
        """Have it show what it has stored, and not what is in memory."""
        run("umount", str(self.where))
        run("mount", "-o", "loop", str(self._pool / "image"), str(self.where))


@contextlib.contextmanager
def thin_disk(root: Path) -> Iterator[ThinDisk]:
    """A disk of 64 MiB of which 24 are there."""
    need("mkfs.ext2")
    with contextlib.ExitStack() as stack:
        try:
            pool = stack.enter_context(
                mounted(root / "pool", "-t", "tmpfs", "-o", "size=24m", "tmpfs")
            )
            image = pool / "image"
            with image.open("wb") as file:
                file.truncate(64 << 20)
            run("mkfs.ext2", "-q", str(image))
            where = stack.enter_context(mounted(root / "thin", "-o", "loop", str(image)))
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no disk can be mounted here: {error.stderr!r}")
        yield ThinDisk(pool, where)
