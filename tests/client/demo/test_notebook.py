"""A notebook knows what a killed process had been promised."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tbxd_client.demo.notebook import BEGUN, RETURNED, Notebook, Onlooker, create


class _Writer:
    """Stands in for a SummaryWriter; does something in the middle of a call."""

    def __init__(self, inside: Any = lambda: None) -> None:
        self.calls: list[tuple[str, float, int]] = []
        self._inside = inside

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        self.calls.append((tag, value, step))
        self._inside()


def _notebook(path: Path, writer: _Writer, calls: int = 10) -> Notebook:
    create(str(path), calls)
    return Notebook(str(path), writer)  # type: ignore[arg-type]


def _rows(path: Path) -> npt.NDArray[Any]:
    rows: npt.NDArray[Any] = np.load(path)
    return rows


def test_calls_go_to_the_writer_and_into_the_book(tmp_path: Path) -> None:
    path, writer = tmp_path / "book.npy", _Writer()
    notebook = _notebook(path, writer)
    notebook.add_scalar("a/b", 0.5, 3)
    notebook.add_scalar("c", -1.0, 4)
    assert writer.calls == [("a/b", 0.5, 3), ("c", -1.0, 4)]
    rows = _rows(path)
    assert rows["tag"][:2].tolist() == [b"a/b", b"c"]
    assert rows["value"][:2].tolist() == [0.5, -1.0]
    assert rows["step"][:2].tolist() == [3, 4]
    assert rows["state"].tolist() == [RETURNED] * 2 + [0] * 8
    assert (rows["took_ns"][:2] > 0).all()


def test_during_a_call_it_has_begun_and_not_returned(tmp_path: Path) -> None:
    path = tmp_path / "book.npy"
    seen: list[int] = []
    notebook = _notebook(path, _Writer(lambda: seen.extend(_rows(path)["state"][:2].tolist())))
    notebook.add_scalar("a", 1.0, 0)
    assert seen == [BEGUN, 0]


def test_a_call_that_raises_has_not_returned(tmp_path: Path) -> None:
    def fail() -> None:
        raise ValueError("no")

    path = tmp_path / "book.npy"
    notebook = _notebook(path, _Writer(fail))
    with pytest.raises(ValueError, match="no"):
        notebook.add_scalar("a", 1.0, 0)
    assert _rows(path)["state"][0] == BEGUN


def _killed_in_the_third_call(path: Path) -> None:
    writer = _Writer()
    notebook = _notebook(path, writer)
    for step in range(10):
        if step == 2:
            writer._inside = lambda: os.kill(os.getpid(), signal.SIGKILL)
        notebook.add_scalar("a", step / 2, step)


def test_it_survives_the_kill_of_its_author(tmp_path: Path) -> None:
    path = tmp_path / "book.npy"
    process = multiprocessing.get_context("spawn").Process(
        target=_killed_in_the_third_call, args=(path,)
    )
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    rows = _rows(path)
    assert rows["state"].tolist() == [RETURNED, RETURNED, BEGUN] + [0] * 7
    assert rows["value"][:3].tolist() == [0.0, 0.5, 1.0]


def test_its_room_is_reserved_before_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "book.npy"
    create(str(path), 100_000)
    found = path.stat()
    assert found.st_blocks * 512 >= found.st_size > 100_000


def test_an_onlooker_sees_that_a_call_has_begun(tmp_path: Path) -> None:
    path = tmp_path / "book.npy"
    notebook = _notebook(path, _Writer())
    notebook.add_scalar("a", 1.0, 0)
    onlooker = Onlooker(str(path))
    assert not onlooker.has_grown()
    notebook.add_scalar("a", 1.0, 1)
    notebook.add_scalar("a", 1.0, 2)
    assert onlooker.has_grown()
    assert not onlooker.has_grown()
