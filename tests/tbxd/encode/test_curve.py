from __future__ import annotations

import io
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event as TheirEvent
from tensorboard.util.tensor_util import make_ndarray

from tbxd.encode import curve
from tbxd.encode.arrays import NDArray
from tbxd.encode.colours import INK, LINE
from tbxd_client import arrays
from tbxd_wire import limits
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import events_of


def event_of(x: Any, y: Any, label: Any = None) -> Any:
    fields = [arrays.source(each) if isinstance(each, np.ndarray) else each for each in (x, y)]
    event = events_of(Kind.CURVE, "tag", *fields, label)[""]
    return TheirEvent.FromString(event.SerializeToString())


def line_of(drawn: NDArray) -> NDArray:
    """Return where the curve is."""
    found: NDArray = (drawn == LINE).all(axis=2)
    return found


def test_a_picture_and_the_points() -> None:
    x, y = np.linspace(0, 1, 50), np.linspace(0, 1, 50) ** 2
    picture, data = event_of(x, y, "ROC").summary.value
    assert (picture.tag, data.tag) == ("tag", "tag/data")
    image = Image.open(io.BytesIO(picture.image.encoded_image_string))
    assert image.size == (picture.image.width, picture.image.height) == (800, 480)
    assert picture.image.colorspace == 3
    assert data.metadata.plugin_data.plugin_name == "tensor"
    assert np.array_equal(make_ndarray(data.tensor), np.stack([x, y]))


@pytest.mark.parametrize(
    ("x", "y", "dtype"),
    [
        (np.float32, np.float32, np.float32),
        (np.uint8, np.int16, np.float32),
        (np.float16, ml_dtypes.bfloat16, np.float32),
        (np.bool_, np.float32, np.float32),
        (np.float32, np.float64, np.float64),
        (np.int32, np.float32, np.float64),
        (np.int64, np.uint32, np.float64),
    ],
)
def test_the_points_keep_their_values(x: Any, y: Any, dtype: Any) -> None:
    values = np.array([0, 1, 1])
    _, data = event_of(values.astype(x), values.astype(y)).summary.value
    found = make_ndarray(data.tensor)
    assert found.dtype == dtype
    assert found.tolist() == [[0.0, 1.0, 1.0]] * 2


def test_points_that_are_not_finite_are_kept() -> None:
    x, y = np.array([np.nan, 1, 2, 1e300]), np.array([0, np.inf, -np.inf, -1.7e308])
    _, data = event_of(x, y).summary.value
    assert np.array_equal(make_ndarray(data.tensor), np.stack([x, y]), equal_nan=True)


def test_the_line_goes_where_the_points_are() -> None:
    x = np.linspace(0.0, 1.0, 100)
    line = line_of(curve.draw(x, x, ""))
    rows, columns = np.nonzero(line)
    # Rising from the lower left to the upper right, on a straight line.
    expected = np.interp(columns, (columns.min(), columns.max()), (rows.max(), rows.min()))
    assert np.abs(rows - expected).max() <= 3
    assert columns.max() - columns.min() > 600
    assert rows.max() - rows.min() > 350


def test_a_gap_is_seen() -> None:
    x, y = np.arange(100.0), np.zeros(100)
    whole = line_of(curve.draw(x, y, ""))
    y[40:60] = np.nan
    parted = line_of(curve.draw(x, y, ""))
    missing = np.flatnonzero(whole.any(axis=0) & ~parted.any(axis=0))
    assert 100 < len(missing) < 180
    assert np.diff(missing).max() == 1


def test_the_label_is_written_above() -> None:
    x = np.linspace(0.0, 1.0, 5)
    assert (curve.draw(x, x, "label")[:40] == INK).all(axis=2).any()
    assert not (curve.draw(x, x, "")[:10] == INK).all(axis=2).any()


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([5.0], [5.0]),
        ([0.0, 0.0], [1.0, 2.0]),
        ([np.nan], [1.0]),
        ([np.inf, -np.inf], [np.nan, 0.0]),
        ([1.7e308, -1.7e308, 0.0], [1.7e308, 0.0, -1.7e308]),
        ([5e-324, 1e-323], [1e-310, -1e-310]),
        ([1e9, 1e9 + 1e-6], [1.0, 1.0 + 1e-15]),
    ],
)
def test_strange_curves_are_drawn(x: list[float], y: list[float]) -> None:
    drawn = curve.draw(np.array(x), np.array(y), "label\n" * 1000)
    assert drawn.shape == (480, 800, 3)
    assert line_of(drawn).any() == bool((np.isfinite(x) & np.isfinite(y)).any())


@pytest.mark.parametrize(
    ("x", "y", "label", "message"),
    [
        (None, np.zeros(2), None, "x must be an array, not NoneType"),
        (np.zeros(2), 1.0, None, "y must be an array, not float"),
        (np.zeros(2), np.zeros(3), None, r"one shape \(n,\).*not \(2,\) and \(3,\)"),
        (np.zeros((2, 2)), np.zeros((2, 2)), None, r"one shape \(n,\)"),
        (np.zeros(0), np.zeros(0), None, "n from 1 to 4194304"),
        (np.zeros(2), np.zeros(2, complex), None, "y must be real numbers, not complex128"),
        (np.zeros(2), np.zeros(2), 1, "label of a curve must be a str, not int"),
    ],
)
def test_other_curves_are_refused(x: Any, y: Any, label: Any, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        event_of(x, y, label)


def test_a_curve_that_is_too_long_is_refused() -> None:
    points = np.zeros(limits.CURVE_POINTS + 1, np.uint8)
    with pytest.raises(RecordError, match="n from 1 to 4194304"):
        event_of(points, points)
