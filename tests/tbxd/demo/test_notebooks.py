"""What a notebook says is taken exactly, and one that cannot be true is refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tbxd.demo import notebooks
from tbxd.demo.notebooks import value_bytes

_ROW = [("state", "u1"), ("step", "<i8"), ("value", "<f8"), ("tag", "S32"), ("took_ns", "<i8")]


def _book(path: Path, *rows: tuple[int, int, float, bytes, int], empty: int = 3) -> str:
    array = np.zeros(len(rows) + empty, _ROW)
    array[: len(rows)] = list(rows)
    np.save(path, array)
    return str(path)


def test_the_rows_of_one_who_ended_in_good_order(tmp_path: Path) -> None:
    path = _book(tmp_path / "a.npy", (2, 1, 0.1, b"x", 1000), (2, 2, math.nan, b"y", 3000))
    notes = notebooks.read(path)
    assert notes.returned == {
        ("x", 1, value_bytes(0.1)): 1,
        ("y", 2, value_bytes(math.nan)): 1,
    }
    assert notes.unsettled is None
    assert (notes.mean_us, notes.median_us) == (2.0, 2.0)


def test_the_last_row_of_one_who_was_killed_is_unsettled(tmp_path: Path) -> None:
    path = _book(tmp_path / "a.npy", (2, 1, 0.5, b"x", 1000), (1, 2, 0.5, b"x", 0))
    notes = notebooks.read(path)
    assert notes.returned.total() == 1
    assert notes.unsettled == ("x", 2, value_bytes(0.5))


def test_equal_calls_are_counted(tmp_path: Path) -> None:
    row = (2, 1, 0.5, b"x", 1000)
    notes = notebooks.read(_book(tmp_path / "a.npy", row, row, row))
    assert notes.returned == {("x", 1, value_bytes(0.5)): 3}


def test_an_empty_one(tmp_path: Path) -> None:
    notes = notebooks.read(_book(tmp_path / "a.npy"))
    assert (notes.returned.total(), notes.unsettled, notes.mean_us) == (0, None, 0.0)


@pytest.mark.parametrize("states", [(1, 1), (1, 2), (2, 1, 1), (0, 2)])
def test_calls_of_one_process_cannot_overlap(tmp_path: Path, states: tuple[int, ...]) -> None:
    path = _book(tmp_path / "a.npy", *((state, 0, 0.0, b"x", 1) for state in states))
    with pytest.raises(ValueError, match="one call returns before the next"):
        notebooks.read(path)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"something else")
    with pytest.raises(ValueError, match="pickle"):
        notebooks.read(str(tmp_path / "a.npy"))
