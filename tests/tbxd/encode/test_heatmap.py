from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tbxd.encode import colours, heatmap
from tbxd.encode.arrays import NDArray
from tbxd_client import arrays
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import events_of

NAMES = ["airplane", "automobile", "bird"]


def draw(
    matrix: Any,
    annotated: bool = False,
    titles: tuple[str, str] = ("", ""),
    names: tuple[list[str] | None, list[str] | None] = (None, None),
) -> NDArray:
    matrix = np.asarray(matrix)
    rows = heatmap.Side(titles[0], names[0], matrix.shape[0])
    columns = heatmap.Side(titles[1], names[1], matrix.shape[1])
    return heatmap.draw(matrix, rows, columns, annotated)


def area(drawn: NDArray, colour: Any) -> int:
    return int((drawn == colour).all(axis=2).sum())


def test_each_cell_has_the_colour_of_its_number() -> None:
    drawn = draw([[0.0, 1.0, 2.0], [3.0, 4.0, np.nan]])
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        entry = colours.table()[round(share * 255)]
        # A cell of 80 x 80 pixels, and a few lines of the scale.
        assert 6400 <= area(drawn, entry) <= 6400 + 16 * 3
    assert 6400 <= area(drawn, colours.MISSING) <= 6400 + 50


def test_rows_go_down_and_columns_to_the_right() -> None:
    drawn = draw([[0.0, 1.0], [2.0, 3.0]])
    corners = [np.argwhere((drawn == colours.table()[entry]).all(axis=2)) for entry in (0, 85, 170)]
    first, second, third = (found.min(axis=0) for found in corners)
    assert first[0] == second[0] < third[0]
    assert first[1] == third[1] < second[1]


def test_infinite_numbers_are_at_the_ends() -> None:
    drawn = draw([[-np.inf, 0.0, 1.0, np.inf]])
    for entry in (0, 255):
        assert area(drawn, colours.table()[entry]) >= 2 * 60 * 60


@pytest.mark.parametrize("value", [0.0, 7.0, -1e300, 5e-324])
def test_one_number_everywhere(value: float) -> None:
    assert area(draw(np.full((2, 2), value)), colours.table()[128]) >= 4 * 100 * 100


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_number_anywhere(value: float) -> None:
    assert draw(np.full((3, 3), value), annotated=True).shape[2] == 3


def test_numbers_are_written_into_the_cells_if_asked() -> None:
    matrix = np.array([[12, 3], [4, 567]])
    plain, annotated = draw(matrix), draw(matrix, annotated=True)
    assert plain.shape == annotated.shape
    assert (plain != annotated).any(axis=2).sum() > 50


@pytest.mark.parametrize(
    ("matrix", "texts"),
    [
        ([[1, 20], [300, 999_999]], [["1", "20"], ["300", "999999"]]),
        ([[1.0, 2.0]], [["1", "2"]]),
        ([[0.25, 1.0]], [["0.25", "1.00"]]),
        ([[-12.5, np.nan]], [["-12.50", ""]]),
        ([[0.001, 0.0]], [["0.001", "0"]]),
        ([[1e7, 12345.0]], [["1e+07", "1.2e+04"]]),
        ([[np.inf, 1.0]], [["inf", "1"]]),
    ],
)
def test_what_is_written(matrix: Any, texts: list[list[str]]) -> None:
    assert heatmap._texts(np.array(matrix, np.float64)) == texts


def test_cells_too_small_for_numbers_have_none() -> None:
    matrix = np.random.default_rng(1).random((100, 100))
    assert np.array_equal(draw(matrix), draw(matrix, annotated=True))


def test_labels_and_titles_make_room_for_themselves() -> None:
    matrix = np.arange(9).reshape(3, 3)
    bare = draw(matrix)
    named = draw(matrix, names=(NAMES, NAMES))
    titled = draw(matrix, names=(NAMES, NAMES), titles=("true", "predicted"))
    assert bare.shape[1] < named.shape[1] < titled.shape[1]
    assert bare.shape[0] <= named.shape[0] < titled.shape[0]


def test_marks_are_apart() -> None:
    side = heatmap.Side("", None, 1000)
    marks = heatmap._marks(side, 1000, 1, 15)
    assert list(marks.values())[:3] == ["0", "20", "40"]
    assert list(marks)[:3] == [0.5, 20.5, 40.5]
    # Of a matrix whose blocks are drawn, a mark says which row it is.
    assert list(heatmap._marks(heatmap.Side("", None, 16_000), 1600, 1, 15).values())[1] == "200"


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 1600), (1600, 1), (1599, 1601), (1, 300_000), (5000, 3), (2000, 2000)]
)
@pytest.mark.parametrize("named", [False, True])
def test_no_picture_is_larger_than_it_may_be(shape: tuple[int, int], named: bool) -> None:
    matrix = np.arange(shape[0] * shape[1], dtype=np.float32).reshape(shape)
    names = ["W" * 500] * shape[0], ["日本" * 50] * shape[1]
    given_names: Any = names if named else (None, None)
    drawn = draw(matrix, True, ("T" * 300, "T" * 300), given_names)
    assert max(drawn.shape) <= heatmap.SIDE
    assert min(drawn.shape[:2]) >= 24


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 60), st.integers(1, 60), st.booleans(), st.text(max_size=20), st.integers(0))
def test_any_matrix(rows: int, columns: int, annotated: bool, text: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(rows, columns)) * 10.0 ** random.integers(-300, 300)
    drawn = draw(matrix, annotated, (text, text), ([text] * rows, [text] * columns))
    assert max(drawn.shape) <= heatmap.SIDE


def test_a_record() -> None:
    for dtype in (np.float32, np.int64, np.bool_, ml_dtypes.bfloat16, np.uint8):
        matrix = arrays.source(np.array([[0, 1], [1, 0]], dtype))
        fields = (matrix, None, ["a", "b"], True, ["true", "predicted"])
        (value,) = events_of(Kind.HEATMAP, "tag", *fields)[""].summary.value
        assert value.tag == "tag"
        assert value.image.colorspace == 3


MATRIX = np.zeros((2, 3))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((None, None, None, False, ["", ""]), "must be an array, not NoneType"),
        ((np.zeros(3), None, None, False, ["", ""]), r"not the shape \(3,\)"),
        ((np.zeros((0, 3)), None, None, False, ["", ""]), r"not the shape \(0, 3\)"),
        ((np.zeros((2, 3), complex), None, None, False, ["", ""]), "real numbers, not complex128"),
        ((MATRIX, ["a"], None, False, ["", ""]), "1 labels for 2 rows"),
        ((MATRIX, None, ["a", "b"], False, ["", ""]), "2 labels for 3 rows"),
        ((MATRIX, ["a", 1], None, False, ["", ""]), "must be a str, not int"),
        ((MATRIX, "ab", None, False, ["", ""]), "must be a list of str, not str"),
        ((MATRIX, None, None, 1, ["", ""]), "annotated must be a bool, not int"),
        ((MATRIX, None, None, False, None), "axes must be a list of str, not NoneType"),
        ((MATRIX, None, None, False, [""]), "has 2 axes, not 1"),
        ((MATRIX, None, None, False), "has 5 fields of its own, this one 4"),
    ],
)
def test_other_records_are_refused(fields: tuple[Any, ...], message: str) -> None:
    sources = [arrays.source(each) if isinstance(each, np.ndarray) else each for each in fields]
    with pytest.raises(RecordError, match=message):
        events_of(Kind.HEATMAP, "tag", *sources)
