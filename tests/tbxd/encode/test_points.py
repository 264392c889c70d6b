"""Points in files, read back as TensorBoard's projector reads them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.plugins.projector import projector_plugin

from tbxd.encode import points
from tbxd_wire.arrays import Array
from tbxd_wire.errors import RecordError

NDArray = np.ndarray[Any, np.dtype[Any]]

# Bytes of which floats are made that look like text, or nearly so: digits, ends of lines, tabs,
# zeros, and what makes or breaks UTF-8.
texts = st.lists(
    st.sampled_from(list(b"0123456789.e-\n\r\t \0\x80\xc3\xa9\xff")) | st.integers(0, 255),
    min_size=4,
    max_size=80,
)


def array(values: NDArray) -> Array:
    return Array(values.dtype.name, values.shape, memoryview(values.tobytes()))


def by_tensorboard(path: Path, shape: tuple[int, ...]) -> NDArray:
    """Read a file of points as the projector does without TensorFlow."""
    try:
        found: NDArray = projector_plugin._read_tensor_tsv_file(str(path))
    except UnicodeDecodeError:
        found = projector_plugin._read_tensor_binary_file(str(path), shape)
    return found


def by_lines(path: Path, shape: tuple[int, ...]) -> NDArray:
    """Read it as the projector does where TensorFlow reads the lines: each is decoded alone."""
    rows = []
    try:
        with open(path, "rb") as file:
            for line in file:
                text = line.decode().rstrip("\n")
                if text:
                    rows.append([float(word) for word in text.split("\t")])
    except UnicodeDecodeError:
        return np.fromfile(path, "float32").reshape(shape)
    return np.array(rows, "float32")


@pytest.mark.parametrize("read", [by_tensorboard, by_lines])
@given(data=texts, columns=st.integers(1, 3))
def test_any_points_are_read_back(
    read: Callable[[Path, tuple[int, ...]], NDArray], data: list[int], columns: int
) -> None:
    elements = np.frombuffer(bytes(data[: len(data) // 4 * 4]), "<f4")
    columns = min(columns, len(elements))
    given_points = elements[: len(elements) // columns * columns].reshape(-1, columns)
    name, content = points.file_of(array(given_points))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, name)
        path.write_bytes(content)
        found = read(path, given_points.shape)
    assert found.shape == given_points.shape
    # Of a NaN's bits, text keeps none but the sign.
    assert np.array_equal(found, given_points, equal_nan=True)
    if name == "tensors.bytes":
        assert found.tobytes() == given_points.tobytes()


@pytest.mark.parametrize(
    ("values", "name", "content"),
    [
        (np.array([[1.0, -0.5]]), "tensors.bytes", b"\0\0\x80\x3f\0\0\0\xbf"),
        (np.array([[0.0, 2.0], [8.0, 3.3]]), "tensors.tsv", b"0\t2\n8\t3.29999995\n"),
        (np.array([[False], [False]]), "tensors.tsv", b"0\n0\n"),
        (np.array([[1e300, 1]]), "tensors.bytes", b"\0\0\x80\x7f\0\0\x80\x3f"),
    ],
)
def test_binary_if_it_can_be_told_from_text(values: NDArray, name: str, content: bytes) -> None:
    assert points.file_of(array(values)) == (name, content)


def test_what_looks_like_text_behind_its_first_line_is_binary() -> None:
    values = np.zeros((5000, 8), np.float32)
    values[0, 0] = 1
    assert points.file_of(array(values))[0] == "tensors.bytes"
    # A character that ends behind the part that is looked at is one all the same.
    values = np.frombuffer(b"a" * 65535 + "é".encode() * 2 + b"a" * 5, np.float32)
    assert points.file_of(array(values.reshape(-1, 1)))[0] == "tensors.tsv"


def test_large_points_are_never_written_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "TEXT_ELEMENTS", 8)
    first_line = np.frombuffer(b"text\n..." + b"\xff" * 32, np.float32).reshape(-1, 1)
    assert points.file_of(array(first_line))[0] == "tensors.bytes"
    with pytest.raises(RecordError, match="for text"):
        points.file_of(array(np.zeros((3, 3))))
    assert points.file_of(array(np.zeros((4, 2))))[0] == "tensors.tsv"
