"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from tbxd.counted import counted


@pytest.mark.parametrize(
    ("count", "words", "expected"),
    [
        (0, ("record",), "0 records"),
        (1, ("record",), "1 record"),
        (1234567, ("record",), "1,234,567 records"),
        (1, ("journal waits", "journals wait"), "1 journal waits"),
        (2, ("journal waits", "journals wait"), "2 journals wait"),
    ],
)
def test_counted(count: int, words: tuple[str, ...], expected: str) -> None:
    assert counted(count, *words) == expected
