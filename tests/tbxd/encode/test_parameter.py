from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tbxd.encode import encode, tags
from tbxd_client.arrays import source
from tbxd_wire.errors import RecordError
from tbxd_wire.kinds import Kind

from .making import events_of, record_of


def values_of(values: Any) -> dict[str, Any]:
    (event,) = events_of(Kind.PARAMETER, "gradients/w", source(values)).values()
    return {value.tag.removeprefix("gradients/w"): value for value in event.summary.value}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int8, ml_dtypes.bfloat16])
def test_a_histogram_and_a_norm(dtype: Any) -> None:
    elements = np.array([[3, -4], [12, 0]]).astype(dtype)
    found = values_of(elements)
    assert list(found) == ["", "/norm"]
    assert found["/norm"].simple_value == 13
    expected = events_of(Kind.HISTOGRAM, "gradients/w", source(elements), "tensorflow", None)
    assert found[""] == expected[""].summary.value[0]


def test_the_norm_is_of_all_elements() -> None:
    found = values_of([1.0, math.nan, math.inf])
    assert list(found) == ["", "/nan", "/inf", "/norm"]
    assert math.isnan(found["/norm"].simple_value)
    assert values_of([1.0, -math.inf])["/norm"].simple_value == math.inf


def test_a_norm_beyond_float32_is_infinite() -> None:
    assert values_of([1e300, 1e300])["/norm"].simple_value == math.inf


def test_one_tag_moves_on() -> None:
    assert list(tags(record_of(Kind.PARAMETER, "w", source([1.0])))) == ["w"]


@pytest.mark.parametrize("field", [1.0, source([1j]), source(np.zeros(0))])
def test_what_is_refused(field: Any) -> None:
    with pytest.raises(RecordError, match=r"must be|has values"):
        encode(record_of(Kind.PARAMETER, "w", field))
