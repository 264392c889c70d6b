from __future__ import annotations

import pytest

from tbxd.encode import encode, scalar
from tbxd.encode.scalar_group import sub_run_of
from tbxd_wire import records
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind


def test_each_key_is_a_sub_run_of_the_tag() -> None:
    record = records.decode(
        records.encode(Kind.SCALAR_GROUP, "losses", 7, 1.5, {"a": 1.0, "b/c": 2.0})
    )
    assert encode(record) == [
        ("losses/a", scalar.encode("losses", 7, 1.5, 1.0)),
        ("losses/b/c", scalar.encode("losses", 7, 1.5, 2.0)),
    ]


@pytest.mark.parametrize(
    ("tag", "key", "directory"),
    [
        ("t", "k", "t/k"),
        ("/t/", "/k/", "t/k"),
        ("t//u", "k", "t/u/k"),
        ("", "k", "k"),
        ("t", "", "t"),
        ("...", "..k", ".../..k"),
        ("über", "größe", "über/größe"),
        ("t", "x" * 255, "t/" + "x" * 255),
    ],
)
def test_slashes_are_those_of_a_file_system(tag: str, key: str, directory: str) -> None:
    assert sub_run_of(tag, key) == directory


@pytest.mark.parametrize(
    ("tag", "key"),
    [
        ("", ""),
        ("/", "//"),
        ("..", "k"),
        ("t", ".."),
        ("t", "../../etc"),
        ("t/./u", "k"),
        ("t", "a\0b"),
        ("t", "x" * 256),
        ("é" * 128, "k"),
        ("t/" * 600, "k"),
    ],
)
def test_no_name_leads_outside_or_nowhere(tag: str, key: str) -> None:
    with pytest.raises(RecordError):
        sub_run_of(tag, key)


def test_two_keys_of_one_directory_are_refused() -> None:
    record = records.decode(records.encode(Kind.SCALAR_GROUP, "t", 1, 1.0, {"a": 1.0, "a/": 2.0}))
    with pytest.raises(RecordError, match="two keys"):
        encode(record)
