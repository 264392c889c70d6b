"""Sizes as people write them."""

from __future__ import annotations

import pytest

from tbxd_wire import sizes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("4096", 4096),
        ("4096b", 4096),
        ("200k", 200_000),
        ("200kB", 200_000),
        ("1KiB", 1024),
        ("1ki", 1024),
        ("64MiB", 64 << 20),
        (" 1.5 GiB ", 3 << 29),
        ("1.5g", 1_500_000_000),
        ("2T", 2 * 10**12),
        ("2tib", 2 << 40),
        ("0.5", 0),
    ],
)
def test_parse(text: str, expected: int) -> None:
    assert sizes.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "MiB", "-1", "+1", "1 2", "1e6", "1.", ".5", "1ib", "1i", "1PiB", "nan", "1,5M"],
)
def test_anything_else_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected a size such as 64MiB"):
        sizes.parse(text)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 bytes"),
        (4097, "4,097 bytes"),
        (1024, "1 KiB"),
        (64 << 20, "64 MiB"),
        (3 << 29, "1536 MiB"),
        (2 << 40, "2 TiB"),
        (2048 << 40, "2048 TiB"),
    ],
)
def test_text_is_what_is_parsed(count: int, expected: str) -> None:
    assert sizes.text(count) == expected
    assert sizes.parse(expected.replace(",", "").replace(" bytes", "")) == count
