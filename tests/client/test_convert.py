"""Values of any framework to plain numbers; mistakes raise what the two peers raise."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import math
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy
import pytest
import tensorboardX.summary
import torch
import torch.utils.tensorboard.summary

from tbxd_client import convert
from tbxd_wire.limits import STEP_MAX, STEP_MIN


class Float(float):
    """What numpy.float64 is, too."""


class Level(enum.IntEnum):
    HIGH = 3


class HasItem:
    """An array of jax or cupy, as far as anybody can tell."""

    def __init__(self, *values: float, shape: tuple[int, ...] | None = None) -> None:
        self.values = values
        self.shape = (len(values),) if shape is None else shape

    def item(self) -> float:
        (value,) = self.values
        return value


class HasNumpy:
    """An eager tensor of TensorFlow: no ``item``, a shape whose extents are no plain ints."""

    def __init__(self, array: Any) -> None:
        self.array = numpy.asarray(array)
        self.shape = self.array.shape

    def numpy(self) -> Any:
        return self.array[()]


class HasArray:
    """Something that only promises to become an array."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return numpy.asarray(self.array, dtype)


class Picky:
    """Its numbers are made of texts, by something whose errors say where these are wrong."""

    def __int__(self) -> int:
        raise UnicodeDecodeError("ascii", b"x", 0, 1, "no digit")

    def __float__(self) -> float:
        return float(int(self))


NUMBERS: list[tuple[Any, float]] = [
    (1.5, 1.5),
    (3, 3.0),
    (True, 1.0),
    (-(1 << 70), -float(1 << 70)),
    (Float(1.5), 1.5),
    (Level.HIGH, 3.0),
    (decimal.Decimal("1.5"), 1.5),
    (fractions.Fraction(3, 2), 1.5),
    ([2.5], 2.5),
    ([[2.5]], 2.5),
    (math.inf, math.inf),
    (-math.inf, -math.inf),
    *((numpy.dtype(code).type(1), 1.0) for code in "?bBhHiIlLqQefdg"),
    (numpy.array(1.5), 1.5),
    (numpy.array([1.5]), 1.5),
    (numpy.array([[[1.5]]]), 1.5),
    (numpy.array([1, 2, 3])[1:2], 2.0),
    (numpy.array([1.5], object), 1.5),
    (numpy.ma.masked_array([1.5]), 1.5),
    (torch.tensor(1.5), 1.5),
    (torch.ones(1, 1, 1), 1.0),
    (torch.tensor(1.5, requires_grad=True), 1.5),
    (torch.nn.Parameter(torch.tensor([1.5])), 1.5),
    (torch.tensor(1e5, dtype=torch.bfloat16), 99840.0),
    (torch.tensor(1.5, dtype=torch.float16), 1.5),
    (torch.tensor(1.5).to(torch.float8_e4m3fn), 1.5),
    (torch.tensor(True), 1.0),
    (torch.tensor(1 << 40), float(1 << 40)),
    (torch.ones(1).to_sparse(), 1.0),
    (HasItem(1.5), 1.5),
    (HasItem(1.5, shape=()), 1.5),
    (HasNumpy(1.5), 1.5),
    (HasNumpy([[1.5]]), 1.5),
    (HasArray(1.5), 1.5),
    (HasArray([1.5]), 1.5),
]


@pytest.mark.parametrize(("value", "expected"), NUMBERS, ids=lambda value: repr(value)[:40])
def test_scalar(value: Any, expected: float) -> None:
    found = convert.scalar(value)
    assert found == expected
    assert type(found) is float


MASKED: list[Any] = [
    numpy.ma.masked,
    numpy.ma.array([7.0], mask=[True]),
    numpy.ma.array([[7]], mask=True),
]
"""What is behind a mask is no value; the peers make NaN of it, too."""


@pytest.mark.parametrize(
    "value", [math.nan, numpy.float32("nan"), torch.tensor(math.nan), HasNumpy(math.nan), *MASKED]
)
def test_nan_is_a_value(value: Any) -> None:
    assert math.isnan(convert.scalar(value))


def test_a_tensor_is_left_as_it_was() -> None:
    tensor = torch.tensor(1.5, requires_grad=True)
    convert.scalar(tensor)
    assert tensor.requires_grad
    assert tensor.is_leaf


# -- mistakes

BAD: dict[str, Callable[[], Any]] = {
    "str": lambda: "x",
    "bytes": lambda: b"x",
    "None": lambda: None,
    "tuple of one": lambda: (1.0,),
    "tuple": lambda: (1, 2),
    "dict": dict,
    "set": lambda: {1},
    "range": lambda: range(1),
    "object": object,
    "class": lambda: float,
    "function": lambda: lambda: 1,
    "generator": lambda: (each for each in [1]),
    "date": datetime.date.today,
    "complex": lambda: 1j,
    "list": lambda: [1, 2],
    "empty list": list,
    "ragged list": lambda: [[1], [1, 2]],
    "list of str": lambda: ["a"],
    "array": lambda: numpy.zeros(2),
    "empty array": lambda: numpy.zeros(0),
    "array of str": lambda: numpy.array("a"),
    "array of None": lambda: numpy.array(None),
    "array of complex": lambda: numpy.array(1j),
    "datetime64": lambda: numpy.datetime64("2020-01-01"),
    "structured array": lambda: numpy.zeros(1, "i4,i4"),
    "numpy str": lambda: numpy.str_("a"),
    "tensor": lambda: torch.zeros(2),
    "empty tensor": lambda: torch.zeros(0),
    "tensor of complex": lambda: torch.tensor(1j),
    "too large": lambda: 10**400,
}


torch_summary: Callable[[str, Any], object] = torch.utils.tensorboard.summary.scalar


def raised(call: Callable[[], object]) -> type[BaseException] | None:
    try:
        call()
    except Exception as error:
        return type(error)
    return None


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_raises_what_a_peer_raises(name: str) -> None:
    """Both peers are asked, so that this says so when one of them changes its mind."""
    make = BAD[name]
    peers = (
        raised(lambda: tensorboardX.summary.scalar("tag", make())),
        raised(lambda: torch_summary("tag", make())),
    )
    ours = raised(lambda: convert.scalar(make()))
    assert ours is not None
    assert ours in peers, f"the peers raise {peers}"


def test_a_numeric_string_is_no_number() -> None:
    """A value that one peer takes and this does not: torch parses it, tensorboardX refuses it."""
    assert raised(lambda: tensorboardX.summary.scalar("tag", "3")) is TypeError
    with pytest.raises(TypeError, match="must be a number"):
        convert.scalar("3")


@pytest.mark.parametrize(
    "device_only", [torch.zeros((), device="meta"), torch.zeros(1, device="meta")]
)
def test_a_tensor_without_a_value(device_only: torch.Tensor) -> None:
    """torch's writer logs a random number for it."""
    with pytest.raises(NotImplementedError, match="meta device"):
        convert.scalar(device_only)


@pytest.mark.parametrize("value", [HasItem(), HasItem(1, 2), HasNumpy([1, 2]), HasArray([1, 2])])
def test_more_or_less_than_one_element_of_any_framework(value: Any) -> None:
    with pytest.raises(AssertionError, match="exactly one element"):
        convert.scalar(value)


def test_an_error_of_the_framework_itself_is_not_hidden() -> None:
    class Broken(HasItem):
        def item(self) -> float:
            raise RuntimeError("the device is gone")

    with pytest.raises(RuntimeError, match="the device is gone"):
        convert.scalar(Broken(1.0))


# -- the rest of a call


def test_scalars() -> None:
    given = OrderedDict(a=1, b=torch.tensor(2.0))
    found = convert.scalars(given)
    assert found == {"a": 1.0, "b": 2.0}
    assert type(found) is dict


@pytest.mark.parametrize("values", [None, 1.0, [("a", 1.0)], {"a"}, "a"])
def test_scalars_of_no_mapping(values: Any) -> None:
    with pytest.raises(TypeError, match="expected a mapping"):
        convert.scalars(values)


def test_one_bad_value_spoils_them_all() -> None:
    with pytest.raises(NotImplementedError):
        convert.scalars({"a": 1.0, "b": None})
    with pytest.raises(TypeError, match="a tag must be a str"):
        convert.scalars({1: 1.0})


class Tag(str, enum.Enum):  # noqa: UP042
    """Its ``str()`` is its name and not its characters."""

    LOSS = "train/loss"


@pytest.mark.parametrize("name", ["train/loss", Tag.LOSS, numpy.str_("train/loss")])
def test_a_tag_is_its_characters(name: str) -> None:
    assert convert.tag(name) == "train/loss"
    assert type(convert.tag(name)) is str


@pytest.mark.parametrize("name", [None, 1, b"tag", ["tag"], object()])
def test_a_tag_must_be_a_str(name: Any) -> None:
    with pytest.raises(TypeError, match="a tag must be a str"):
        convert.tag(name)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (7, 7),
        (-7, -7),
        (True, 1),
        (7.9, 7),
        (-7.9, -7),
        ("7", 7),
        (numpy.int32(7), 7),
        (numpy.array(7), 7),
        (numpy.array([7]), 7),
        (numpy.array([[7.9]]), 7),
        (numpy.ma.array([7], mask=[False]), 7),
        (HasItem(7), 7),
        (torch.tensor(7), 7),
        (torch.tensor([7.5]), 7),
        (STEP_MAX, STEP_MAX),
        (STEP_MIN, STEP_MIN),
    ],
)
def test_step(value: Any, expected: int | None) -> None:
    found = convert.step(value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (STEP_MAX + 1, ValueError),
        (STEP_MIN - 1, ValueError),
        (1e30, ValueError),
        (math.nan, ValueError),
        ("seven", ValueError),
        (math.inf, OverflowError),
        (MASKED[0], ValueError),
        (MASKED[1], ValueError),
        (numpy.zeros(2), TypeError),
        (Picky(), ValueError),
        ([7], TypeError),
        (object(), TypeError),
        (1j, TypeError),
    ],
)
def test_bad_step(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        convert.step(value)


@pytest.mark.parametrize("value", [0, 1.5, -1.0, numpy.float32(1.5), torch.tensor(1.5)])
def test_wall_time(value: Any) -> None:
    assert convert.wall_time(value) == float(value)
    assert type(convert.wall_time(value)) is float


@pytest.mark.parametrize("value", ["now", "1.5", b"1.5", [1.5], {}, 1j])
def test_what_is_no_wall_time(value: Any) -> None:
    with pytest.raises(TypeError, match="walltime must be seconds"):
        convert.wall_time(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, numpy.float64("nan")])
def test_a_wall_time_that_is_not_finite(value: Any) -> None:
    """One such event makes TensorBoard drop the rest of the file."""
    with pytest.raises(ValueError, match="walltime must be finite"):
        convert.wall_time(value)


def test_an_error_that_cannot_be_made_of_a_text() -> None:
    with pytest.raises(ValueError, match="walltime must be seconds since 1970, not"):
        convert.wall_time(Picky())


def test_no_framework_is_imported_for_a_value() -> None:
    program = """
import sys
from tbxd_client import convert
class Array:
    shape = (1,)
    def item(self): return 2.0
assert convert.scalar(Array()) == 2.0
for bad in (object(), None, "x"):
    try: convert.scalar(bad)
    except (TypeError, NotImplementedError): pass
frameworks = {"torch", "jax", "tensorflow", "cupy", "pandas", "PIL", "google.protobuf", "tbxd"}
print(sorted(frameworks & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
