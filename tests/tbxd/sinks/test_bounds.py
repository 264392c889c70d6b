"""Where may be written, by what a path leads to; and what stays free."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tbxd.sinks.bounds import UNBOUNDED, Bounds


@pytest.fixture
def bounds(tmp_path: Path) -> Bounds:
    (tmp_path / "root").mkdir()
    return Bounds(roots=(str(tmp_path / "root"), str(tmp_path / "other")))


def test_places(bounds: Bounds, tmp_path: Path) -> None:
    for inside in ("root", "root/a/b", "other", "x/../other/y"):
        assert bounds.resolve(str(tmp_path / inside)) == os.path.realpath(tmp_path / inside)
    for outside in ("", "roots", "root/../x", "roo"):
        with pytest.raises(PermissionError, match=r"is not beneath .*root or .*other"):
            bounds.resolve(str(tmp_path / outside))
        assert UNBOUNDED.resolve(str(tmp_path / outside))
    assert Bounds(roots=("/",)).objection("/etc") is None


def test_room(tmp_path: Path) -> None:
    UNBOUNDED.check_room(str(tmp_path), 1 << 62)
    Bounds(1).check_room(str(tmp_path), 1)
    with pytest.raises(OSError, match="are to stay free") as found:
        Bounds(1 << 60).check_room(str(tmp_path), 1)
    assert found.value.errno == errno.ENOSPC
