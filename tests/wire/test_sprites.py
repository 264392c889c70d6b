"""Where the pictures of a sprite lie."""

from __future__ import annotations

import pytest

from tbxd_wire import sprites


@pytest.mark.parametrize(
    ("pictures", "columns"), [(1, 1), (2, 2), (4, 2), (5, 3), (9, 3), (10, 4), (1 << 26, 1 << 13)]
)
def test_as_many_columns_as_rows(pictures: int, columns: int) -> None:
    assert sprites.columns_of(pictures) == columns
    assert (columns - 1) ** 2 < pictures <= columns**2


def test_the_largest_sprite() -> None:
    assert sprites.fits(1, 8192, 8192)
    assert not sprites.fits(1, 8193, 1)
    assert not sprites.fits(1, 1, 8193)
    assert sprites.fits(4, 4096, 4096)
    assert not sprites.fits(5, 4096, 1)
