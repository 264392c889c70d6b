"""Names below a run directory: they lead downwards, and two names never to one place."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbxd_wire import paths
from tbxd_wire.errors import RecordError

PIECES = st.sampled_from(
    ["a", "b", ".", "..", "", "...", " ", "é", "\0", "/", "//", "x" * 256, "\ud800"]
)


@pytest.mark.parametrize(
    "path",
    ["", "a", "a/b", "rank1/worker0", "...", ".a", "a..b/c", " ", "é/ü", "~", "C:\\a", "a\n"],
)
def test_good(path: str) -> None:
    assert paths.safe_relative(path) == path


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/", "absolute"),
        ("/etc/passwd", "absolute"),
        (".", "names no place"),
        ("..", "names no place"),
        ("../a", "names no place"),
        ("a/..", "names no place"),
        ("a/../b", "names no place"),
        ("a/./b", "names no place"),
        ("a//b", "an empty one"),
        ("a/", "an empty one"),
        ("a\0b", "NUL"),
        ("\ud800", "UTF-8"),
        ("x" * 256, "component of 256 bytes"),
        ("é" * 128, "component of 256 bytes"),
        ("/".join(["x" * 200] * 6), "1205 bytes"),
    ],
)
def test_bad(path: str, says: str) -> None:
    with pytest.raises(RecordError, match=says):
        paths.safe_relative(path)


def test_the_longest_allowed() -> None:
    assert paths.safe_relative("x" * paths.COMPONENT_BYTES)
    longest = "/".join(["x" * 204] * 5)
    assert len(longest) == paths.RELATIVE_BYTES
    assert paths.safe_relative(longest) == longest
    with pytest.raises(RecordError):
        paths.safe_relative(longest + "x")


@given(st.lists(PIECES, max_size=5).map("/".join) | st.text(max_size=20))
def test_what_is_let_through_stays_below_and_is_the_only_name_of_its_place(path: str) -> None:
    try:
        paths.safe_relative(path)
    except RecordError:
        return
    joined = os.path.join("/run/directory", path)
    assert os.path.normpath(joined) == joined.rstrip("/")
    assert joined.startswith("/run/directory/")
    assert all(len(os.fsencode(part)) <= paths.COMPONENT_BYTES for part in path.split("/"))


@pytest.mark.parametrize("suffix", ["", ".a", "..", " x", "é", "x" * 64])
def test_good_suffix(suffix: str) -> None:
    assert paths.safe_suffix(suffix) == suffix


@pytest.mark.parametrize("suffix", ["/", "a/b", "\0", "\udcff", "x" * 65, "é" * 33])
def test_bad_suffix(suffix: str) -> None:
    with pytest.raises(RecordError, match="the file suffix"):
        paths.safe_suffix(suffix)


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("default", "default"),
        ("layer 1/é", "layer 1%2fé"),
        ("50%\\", "50%25%5c"),
        ("", "%"),
        (".", "%2e"),
        ("..", "%2e%2e"),
        ("..a", "..a"),
        ("\0", "%00"),
        ("x" * 255, "x" * 255),
    ],
)
def test_directory_of_tag(tag: str, name: str) -> None:
    assert paths.directory_of_tag(tag) == name


@pytest.mark.parametrize("tag", ["x" * 256, "é" * 128, "/" * 86, "\udcff"])
def test_a_tag_without_a_directory(tag: str) -> None:
    with pytest.raises(RecordError, match="the path"):
        paths.directory_of_tag(tag)


@given(st.lists(st.text("/%.\\\0e2", max_size=4), unique=True))
def test_two_tags_never_have_one_directory(tags: list[str]) -> None:
    names = {paths.directory_of_tag(tag) for tag in tags}
    assert len(names) == len(tags)
    for name in names:
        assert os.path.normpath(os.path.join("/run", name)) == f"/run/{name}"
        assert "/" not in name
