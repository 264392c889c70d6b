"""What add_audio puts into the journal, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tbxd_client import SummaryWriter
from tbxd_client.writer.audio import RATE_MAX
from tbxd_wire.kinds import Kind
from tests.client.leftovers import Logged


@pytest.mark.parametrize(
    ("samples", "dtype", "shape"),
    [
        (np.zeros(5, np.float32), "float32", (5,)),
        (np.zeros((5, 2)), "float64", (5, 2)),
        (np.zeros((2, 5)).T, "float64", (5, 2)),
        (torch.zeros(1, 5), "float32", (1, 5)),
        (torch.zeros(5, 1, dtype=torch.bfloat16, requires_grad=True), "bfloat16", (5, 1)),
        (torch.zeros(1, 1, 5), "float32", (1, 1, 5)),
        ([0.0, 0.5], "float64", (2,)),
        (np.zeros(5, np.int16), "int16", (5,)),
        (np.zeros(5, np.int32), "int32", (5,)),
        (np.zeros(5, np.uint8), "uint8", (5,)),
    ],
)
def test_samples_travel_as_they_are(
    writer: SummaryWriter, logged: Logged, samples: Any, dtype: str, shape: tuple[int, ...]
) -> None:
    writer.add_audio("sound", samples, 3, walltime=4.0)
    ((kind, tag, step, wall_time, array, rate),) = logged()
    assert (kind, tag, step, wall_time, rate) == (Kind.AUDIO, "sound", 3, 4.0, 44100)
    assert (array.dtype, array.shape) == (dtype, shape)


@pytest.mark.parametrize(
    ("given", "rate"), [(8000, 8000), (np.int64(8000), 8000), (7999.9, 8000), (RATE_MAX, RATE_MAX)]
)
def test_rates(writer: SummaryWriter, logged: Logged, given: Any, rate: int) -> None:
    writer.add_audio("sound", [0.5], None, given)
    ((_, _, step, _, _, found),) = logged()
    assert (step, found) == (None, rate)
    assert type(found) is int


@pytest.mark.parametrize(
    ("samples", "error"),
    [
        (None, NotImplementedError),
        ((0.0, 0.5), NotImplementedError),
        ("x", TypeError),
        (np.zeros(5, np.int64), TypeError),
        (np.zeros(5, np.int8), TypeError),
        (np.zeros(5, bool), TypeError),
        (np.zeros(5, complex), TypeError),
        (np.float32(1), AssertionError),
        (np.zeros((5, 3)), AssertionError),
        (np.zeros((2, 5)), AssertionError),
        (np.zeros((2, 3, 4)), AssertionError),
        (np.zeros((5, 0, 2)), AssertionError),
        (np.zeros(0), ValueError),
        (np.zeros((0, 2)), ValueError),
        (np.zeros((5, 0)), ValueError),
    ],
)
def test_other_samples(
    writer: SummaryWriter, logged: Logged, samples: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match="snd_tensor"):
        writer.add_audio("sound", samples)
    assert logged() == []


@pytest.mark.parametrize(
    ("rate", "error"),
    [
        (0, ValueError),
        (0.4, ValueError),
        (-1, ValueError),
        (RATE_MAX + 1, ValueError),
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        (10**400, ValueError),
        (None, TypeError),
        ("8000", TypeError),
        ([1], TypeError),
    ],
)
def test_other_rates(
    writer: SummaryWriter, logged: Logged, rate: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match="sample_rate must be"):
        writer.add_audio("sound", [0.5], sample_rate=rate)
    assert logged() == []


def test_other_mistakes(writer: SummaryWriter, logged: Logged) -> None:
    with pytest.raises(TypeError, match="a tag must be a str"):
        writer.add_audio(1, [0.5])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="global_step"):
        writer.add_audio("sound", [0.5], "one")
    assert logged() == []
