from __future__ import annotations

import math

import pytest

from tbxd_wire import limits
from tbxd_wire.layouts import PICTURE, VIDEO, extents, picture_grid, rescaled, video_grid


def test_extents() -> None:
    assert extents("CHW", (3, 4, 5), PICTURE) == {"N": 1, "H": 4, "W": 5, "C": 3}
    assert extents("WH", (4, 5), PICTURE) == {"N": 1, "H": 5, "W": 4, "C": 1}
    assert extents("NHW", (2, 4, 5), PICTURE) == {"N": 2, "H": 4, "W": 5, "C": 1}
    assert list(extents("NTCHW", (1, 2, 3, 4, 5), VIDEO).values()) == [2, 1, 4, 5, 3]


@pytest.mark.parametrize(
    ("layout", "letters"),
    [
        ("", PICTURE),
        ("H", PICTURE),
        ("CH", PICTURE),
        ("HWW", PICTURE),
        ("HWX", PICTURE),
        ("THW", PICTURE),
        ("chw", PICTURE),
        ("NCHWC", PICTURE),
        ("TCHW", VIDEO),
        ("NTCHH", VIDEO),
        ("NTCHWX", VIDEO),
    ],
)
def test_other_layouts_are_refused(layout: str, letters: str) -> None:
    with pytest.raises(ValueError, match="a layout has the letters"):
        extents(layout, (1,) * len(layout), letters)


@pytest.mark.parametrize("shape", [(), (4,), (3, 4), (1, 3, 4, 5)])
def test_the_shape_must_have_a_dimension_for_each_letter(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=f"is for 3 dimensions.*has {len(shape)}"):
        extents("CHW", shape, PICTURE)


def test_grids_have_room() -> None:
    for count in range(1, 200):
        rows, columns = picture_grid(count)
        assert (rows - 1) * columns < count <= rows * columns
        assert columns == min(count, 8)
        rows, columns = video_grid(count)
        assert count <= rows * columns < 2 * count
        assert rows <= columns <= 4 * rows


def test_rescaled() -> None:
    assert rescaled((30, 40), 1.0) == (30, 40)
    assert rescaled((31, 40), 0.5) == (15, 20)
    # However large a picture is, it may stay so, or be made smaller.
    assert rescaled((1 << 20, 1 << 20), 0.5) == (1 << 19, 1 << 19)
    side = math.isqrt(limits.RESCALED_PIXELS)
    assert rescaled((side // 2, side // 2), 2.0)[0] <= side


@pytest.mark.parametrize("factor", [0.0, -1.0, 0.02, math.nan, math.inf, 1e6, 1e300, 1.7e308])
def test_a_factor_that_leaves_no_picture_or_too_large_a_one(factor: float) -> None:
    with pytest.raises(ValueError, match="a picture"):
        rescaled((30, 40), factor)
