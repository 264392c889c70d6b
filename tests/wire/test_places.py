"""Where things lie, and whom the runtime directory lets in."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd_wire import places
from tbxd_wire.errors import DirectoryError

ME = os.getuid()
IS_ROOT = os.geteuid() == 0


# -- which directory


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TBXD_DIR": "/a", "XDG_RUNTIME_DIR": "/b"}, "/a"),
        ({"TBXD_DIR": "/a/../c//d/"}, "/c/d"),
        ({"TBXD_DIR": "", "XDG_RUNTIME_DIR": "/b"}, "/b/tbxd"),
        ({"XDG_RUNTIME_DIR": "/b"}, "/b/tbxd"),
        ({"XDG_RUNTIME_DIR": ""}, os.path.join(tempfile.gettempdir(), "tbxd-7")),
        ({}, os.path.join(tempfile.gettempdir(), "tbxd-7")),
    ],
)
def test_runtime_directory(environ: dict[str, str], expected: str) -> None:
    assert places.runtime_directory(environ, 7) == expected


def test_a_relative_directory_is_that_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert places.runtime_directory({"TBXD_DIR": "here"}, 7) == str(tmp_path / "here")
    assert places.runtime_directory({"XDG_RUNTIME_DIR": "here"}, 7) == str(tmp_path / "here/tbxd")


# -- made private


def test_make_private_makes_it(tmp_path: Path) -> None:
    directory = tmp_path / "a/b/tbxd"
    places.make_private(str(directory), ME)
    assert directory.stat().st_mode & 0o777 == 0o700


def test_make_private_is_not_widened_by_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        places.make_private(str(tmp_path / "tbxd"), ME)
    finally:
        os.umask(before)
    assert (tmp_path / "tbxd").stat().st_mode & 0o777 == 0o700


def test_make_private_takes_what_is_there_already(tmp_path: Path) -> None:
    for _ in range(2):
        places.make_private(str(tmp_path / "tbxd"), ME)


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o750, 0o755, 0o770, 0o777, 0o1777])
def test_make_private_refuses_what_others_may_enter(tmp_path: Path, mode: int) -> None:
    directory = tmp_path / "tbxd"
    directory.mkdir()
    directory.chmod(mode)
    with pytest.raises(DirectoryError, match="closed to others"):
        places.make_private(str(directory), ME)
    assert directory.stat().st_mode & 0o7777 == mode


def test_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / "tbxd"
    directory.mkdir()
    directory.chmod(0o755)
    said = f"has mode 0755; it must be closed to others (0700): chmod 700 {directory}"
    monkeypatch.setenv(places.DIRECTORY_VARIABLE, str(tmp_path / "." / "other"))
    with pytest.raises(DirectoryError, match=re.escape(f"{directory}: {said}")):
        places.make_private(str(directory), ME)
    monkeypatch.setenv(places.DIRECTORY_VARIABLE, f"{tmp_path}/./tbxd")
    with pytest.raises(DirectoryError, match=re.escape(f"{directory}: ($TBXD_DIR) {said}")):
        places.make_private(str(directory), ME)


def test_make_private_refuses_another_owner(tmp_path: Path) -> None:
    directory = tmp_path / "tbxd"
    directory.mkdir(0o700)
    with pytest.raises(DirectoryError, match=f"belongs to user {ME}, not to {ME + 1}"):
        places.make_private(str(directory), ME + 1)


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a directory away")
def test_make_private_refuses_a_directory_of_somebody_else(tmp_path: Path) -> None:
    directory = tmp_path / "tbxd"
    directory.mkdir(0o700)
    os.chown(directory, 12345, 12345)
    with pytest.raises(DirectoryError, match="belongs to user 12345"):
        places.make_private(str(directory), ME)


def test_make_private_refuses_a_file(tmp_path: Path) -> None:
    (tmp_path / "tbxd").write_bytes(b"")
    with pytest.raises(DirectoryError, match="is not a directory"):
        places.make_private(str(tmp_path / "tbxd"), ME)


def test_make_private_refuses_a_way_through_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DirectoryError, match="cannot be made"):
        places.make_private(str(tmp_path / "file" / "tbxd"), ME)


def test_make_private_follows_ones_own_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(0o700)
    (tmp_path / "tbxd").symlink_to(tmp_path / "real")
    places.make_private(str(tmp_path / "tbxd"), ME)
    (tmp_path / "real").chmod(0o755)
    with pytest.raises(DirectoryError, match="closed to others"):
        places.make_private(str(tmp_path / "tbxd"), ME)


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a link away")
def test_make_private_does_not_follow_a_link_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(0o700)
    (tmp_path / "tbxd").symlink_to(tmp_path / "real")
    os.lchown(tmp_path / "tbxd", 12345, 12345)
    with pytest.raises(DirectoryError, match="is not a directory"):
        places.make_private(str(tmp_path / "tbxd"), ME)


def test_make_private_refuses_a_link_to_nowhere(tmp_path: Path) -> None:
    (tmp_path / "tbxd").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DirectoryError, match="cannot be used"):
        places.make_private(str(tmp_path / "tbxd"), ME)


# -- the socket's address


def test_endpoint() -> None:
    assert places.endpoint("/run/tbxd", 5) == "ipc:///run/tbxd/tbxd.sock"


def test_an_endpoint_that_is_too_long_goes_through_the_descriptor() -> None:
    # sun_path holds 107 bytes and a zero: the socket's own name takes 10 of them.
    longest = "/" + "x" * 96
    assert places.endpoint(longest, 5) == f"ipc://{longest}/tbxd.sock"
    assert places.endpoint(longest + "x", 5) == "ipc:///proc/self/fd/5/tbxd.sock"
    assert places.endpoint("/" + "é" * 49, 5) == "ipc:///proc/self/fd/5/tbxd.sock"


# -- names


@given(st.binary(min_size=16, max_size=16), st.integers(0, 999_999_999))
def test_journal_names_there_and_back(session: bytes, slot: int) -> None:
    assert places.parse_journal_name(places.journal_name(session, slot)) == (session, slot)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "tbxd.sock",
        "daemon.lock",
        f"{'a' * 32}.0.journal.new",
        f"{'a' * 32}.0.journal.damaged",
        f"{'a' * 32}.0.journal\n",
        f"{'A' * 32}.0.journal",
        f"{'a' * 31}.0.journal",
        f"{'a' * 33}.0.journal",
        f"{'a' * 32}.-1.journal",
        f"{'a' * 32}..journal",
        f"{'a' * 32}.1234567890.journal",
        f"{'a' * 32}.٣.journal",
        f"../{'a' * 32}.0.journal",
    ],
)
def test_no_other_name_is_a_journal(name: str) -> None:
    assert places.parse_journal_name(name) is None
