from __future__ import annotations

import warnings

import numpy as np
import pytest

from tbxd.encode.blocks import means

RANDOM = np.random.default_rng(4)


def test_a_small_matrix_stays_as_it_is() -> None:
    matrix = np.array([[1, 2], [3, 4]], np.int64)
    assert means(matrix, 2).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert means(matrix, 2).dtype == np.float64


@pytest.mark.parametrize("shape", [(60, 90), (60, 3), (3, 90), (7, 11), (1, 1000)])
def test_blocks_of_a_large_one_are_their_means(shape: tuple[int, int]) -> None:
    matrix = RANDOM.normal(size=shape).astype(np.float32)
    found = means(matrix, 5)
    rows, columns = (min(extent, 5) for extent in shape)
    assert found.shape == (rows, columns)
    for row in range(rows):
        for column in range(columns):
            block = matrix[
                row * shape[0] // rows : (row + 1) * shape[0] // rows,
                column * shape[1] // columns : (column + 1) * shape[1] // columns,
            ]
            assert found[row, column] == pytest.approx(block.astype(np.float64).mean())


def test_nan_is_left_out() -> None:
    matrix = np.array([[1.0, np.nan, np.nan, np.nan], [3.0, 5.0, np.nan, np.nan]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = means(matrix, 2)
        assert found[:, 0].tolist() == [1.0, 4.0]
        assert np.isnan(found[:, 1]).all()
        infinite = means(np.array([[np.inf, -np.inf, 1e308, 1e308]]), 2)
    assert np.isnan(infinite[0, 0])
