from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tbxd.sinks.descriptors import Descriptors


def opened(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


@pytest.fixture
def descriptors() -> Iterator[Descriptors]:
    made = Descriptors(limit=2)
    yield made
    for owner in "abc":
        made.close(owner)


def test_the_one_unused_for_longest_is_closed(descriptors: Descriptors, tmp_path: Path) -> None:
    numbers = {}
    for owner in "ab":
        numbers[owner] = opened(tmp_path / owner)
        descriptors.keep(owner, numbers[owner])
    assert descriptors.use("a") == numbers["a"]
    numbers["c"] = opened(tmp_path / "c")
    descriptors.keep("c", numbers["c"])
    assert descriptors.use("b") is None
    assert not is_open(numbers["b"])
    assert descriptors.use("a") == numbers["a"]
    assert descriptors.use("c") == numbers["c"]
    assert descriptors.count == 2


def test_a_duplicate_outlives_the_original(descriptors: Descriptors, tmp_path: Path) -> None:
    original = opened(tmp_path / "a")
    descriptors.keep("a", original)
    copy = descriptors.duplicate("a")
    assert copy is not None
    descriptors.close("a")
    assert not is_open(original)
    assert is_open(copy)
    os.close(copy)
    assert descriptors.duplicate("a") is None


def test_closing_what_is_not_open_does_nothing(descriptors: Descriptors) -> None:
    descriptors.close("a")
    assert descriptors.use("a") is None


def test_at_least_one_is_needed() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Descriptors(limit=0)


def test_shrinking_closes_the_older_half(tmp_path: Path) -> None:
    kept = Descriptors(limit=10)
    opened = [os.open(tmp_path, os.O_RDONLY) for _ in range(5)]
    for number, descriptor in enumerate(opened):
        kept.keep(number, descriptor)
    assert kept.shrink()
    assert [kept.use(number) for number in range(5)] == [None, None, None, *opened[3:]]
    assert kept.shrink()
    assert kept.count == 1
    assert not kept.shrink()
    # The one that is left goes for the next one.
    kept.keep("another", os.open(tmp_path, os.O_RDONLY))
    assert kept.count == 1
    kept.close("another")
    assert not kept.shrink()


def test_those_of_others_count_too_but_one_is_always_allowed(tmp_path: Path) -> None:
    others = Descriptors(limit=10)
    kept = Descriptors(limit=3, all_open=lambda: kept.count + others.count)

    def keep(descriptors: Descriptors, *names: str) -> None:
        for name in names:
            descriptors.keep(name, os.open(tmp_path, os.O_RDONLY))

    keep(kept, "a", "b", "c", "d")
    assert kept.count == 3
    keep(others, "a", "b")
    keep(kept, "e")
    assert kept.count == 1
    keep(others, "c", "d")
    keep(kept, "f")
    assert kept.count == 1
    others.close("b")
    others.close("c")
    others.close("d")
    keep(kept, "g", "h")
    assert kept.count == 2
    assert kept.shrink()
    keep(kept, "i")
    assert kept.count == 1
    kept.close("i")
    others.close("a")
