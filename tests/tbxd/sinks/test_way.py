"""Which file systems a path goes along: piece by piece, each asked for no more than its own."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tbxd.sinks.mount_tree import MountTree
from tbxd.sinks.way import Way, first_link, follow

TREE = MountTree("""\
1 0 root / / rw - ext4 root rw
2 1 home / /home rw - nfs4 home rw
3 1 data / /data rw - nfs4 data rw
4 3 fast / /data/fast rw - xfs fast rw
""")

LINKS = {
    "/home/data": "/data/me",
    "/home/near": "me/runs",
    "/home/up": "../data/me",
    "/home/me/up": "./..//..",
    "/home/far": "/home/data/deep",
    "/data/me/back": "/home/me",
    "/loop": "/loop",
    "/tmp": "home/data",
}


class World:
    """File systems that know what they are asked along which way."""

    def __init__(self) -> None:
        self.asked: dict[str, Way] = {}

    def ask(self, way: Way, piece: list[str]) -> tuple[int, str] | None:
        for number, path in enumerate(piece):
            self.asked[path] = way
            if path in LINKS:
                return number, LINKS[path]
        return None


@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("/", "root"),
        ("/run", "root"),
        ("/home", "root home"),
        ("/home/me/run", "root home"),
        ("/homes/run", "root"),
        ("/data/fast/run", "root data fast"),
        ("/home/data/run", "root home data"),
        ("/home/data/back/run", "root home data"),
        ("/home/near/run", "root home"),
        ("/home/up/run", "root home data"),
        ("/home/me/up/data/fast/run", "root home data fast"),
        ("/home/far/../../fast", "root home data fast"),
        ("/home/../data//./fast/", "root home data fast"),
        ("/../../run", "root"),
        ("/tmp/run", "root home data"),
        ("/loop/run", "root"),
    ],
)
def test_all_that_a_path_passes(path: str, way: str) -> None:
    assert follow(path, TREE, World().ask) == set(way.split())


def test_who_is_asked_has_been_passed_and_no_other() -> None:
    world = World()
    follow("/tmp/fast/../back/run", TREE, world.ask)
    assert world.asked == {
        "/tmp": {"root"},
        "/home/data": {"root", "home"},
        "/data/me": {"root", "home", "data"},
        "/data/me/fast": {"root", "home", "data"},
        "/data/me/back": {"root", "home", "data"},
        "/home/me": {"root", "home", "data"},
        "/home/me/run": {"root", "home", "data"},
    }


def test_what_is_not_known_is_raised() -> None:
    def fail(way: Way, piece: list[str]) -> None:
        raise OSError(errno.EIO, "failed")

    with pytest.raises(OSError, match="failed"):
        follow("/run", TREE, fail)


def test_the_first_link_of_a_piece(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "link").symlink_to("/nowhere/at/all")
    paths = [str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a" / "link")]
    assert first_link([*paths, f"{paths[-1]}/b"]) == (2, "/nowhere/at/all")
    assert first_link(paths[:2]) is None
    assert first_link([str(tmp_path / "not"), str(tmp_path / "not" / "there")]) is None


def test_a_link_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str) -> str:
        raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    monkeypatch.setattr(os, "readlink", fail)
    with pytest.raises(OSError, match="/run") as caught:
        first_link(["/run"])
    assert caught.value.errno == errno.EIO
