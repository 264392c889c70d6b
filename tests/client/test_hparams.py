from __future__ import annotations

import enum
import functools
import json
import math
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tbxd_client import hparams


class Kind(enum.Enum):
    ADAM = 1


class Name(enum.StrEnum):
    ADAM = "adam"


class Level(enum.IntEnum):
    HIGH = 3


def schedule() -> None: ...


class Callable:
    def __call__(self) -> None: ...

    def __str__(self) -> str:
        return "a callable"


def endless() -> list[Any]:
    """Return a list that contains itself."""
    found: list[Any] = [1]
    found.append(found)
    return found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (np.True_, True),
        (np.array(False), False),
        (np.array([True]), True),
        (torch.tensor(True), True),
        (torch.tensor([[True]]), True),
        (3, 3.0),
        (0.1, 0.1),
        (1 << 53, float(1 << 53)),
        (Level.HIGH, 3.0),
        (math.inf, math.inf),
        (np.float32(0.5), 0.5),
        (np.int64(-3), -3.0),
        (np.uint8(200), 200.0),
        (np.array(3), 3.0),
        (np.array([0.5]), 0.5),
        (torch.tensor(0.5), 0.5),
        (torch.tensor([3]), 3.0),
        (torch.tensor(0.5, dtype=torch.bfloat16), 0.5),
        (torch.nn.Parameter(torch.tensor(0.5)), 0.5),
        ("adam", "adam"),
        ("", ""),
        (np.str_("adam"), "adam"),
        (Name.ADAM, "adam"),
        (schedule, "schedule"),
        (torch.relu, "relu"),
        (torch.nn.ReLU, "ReLU"),
        (np.float32, "float32"),
        (Callable(), "a callable"),
        ([64, 64], "[64, 64]"),
        ((64, 64), "[64, 64]"),
        ([], "[]"),
        (["ü", None, True], '["ü", null, true]'),
        ([np.float32(0.5), torch.tensor(2), schedule, Path("a")], '[0.5, 2.0, "schedule", "a"]'),
        ({"a": [1], "b": types.MappingProxyType({"c": 2})}, '{"a": [1], "b": {"c": 2}}'),
        ({3, 1, 2}, "[1, 2, 3]"),
        ([{"b", "a"}], '[["a", "b"]]'),
        ({(1, 2): 3}, "{(1, 2): 3}"),
        (np.array([1, 2]), "[1, 2]"),
        (torch.tensor([[0.5], [1]]), "[[0.5], [1.0]]"),
        (np.array([]), "[]"),
        (np.array(["a", "b"]), "['a' 'b']"),
        (np.array([1j]), "[0.+1.j]"),
        (1j, "1j"),
        (Path("/data"), "/data"),
        (torch.float16, "torch.float16"),
        (torch.device("cpu"), "cpu"),
        (Kind.ADAM, "Kind.ADAM"),
        (b"x", "b'x'"),
        (range(3), "range(0, 3)"),
    ],
)
def test_a_value_is_a_bool_a_number_or_a_text(value: Any, expected: Any) -> None:
    found = hparams.parameter(value)
    assert type(found) is type(expected)
    assert found == expected


def test_what_contains_itself_is_a_text() -> None:
    assert hparams.parameter(endless()) == "[1, [...]]"


def test_a_partial_function_is_a_text() -> None:
    found = hparams.parameter(functools.partial(schedule))
    assert isinstance(found, str)
    assert found.startswith("functools.partial(<function schedule")


def test_not_a_number_stays_one() -> None:
    assert math.isnan(float(hparams.parameter(math.nan)))


def test_a_long_array_is_refused() -> None:
    longest = hparams.parameter(np.zeros(hparams.ELEMENTS))
    assert isinstance(longest, str)
    assert len(json.loads(longest)) == hparams.ELEMENTS
    with pytest.raises(ValueError, match=r"'w' must be an array of at most 1000 .* \(1001,\)"):
        hparams.parameters({"w": torch.zeros(1001)})


def test_parameters() -> None:
    given = types.MappingProxyType({"a": 1, "b": None, "c": False, Name.ADAM: "x"})
    found = hparams.parameters(given)
    assert found == {"a": 1.0, "c": False, "adam": "x"}
    assert type(found["c"]) is bool
    assert {type(name) for name in found} == {str}


@pytest.mark.parametrize("given", [None, [("a", 1)], "a"])
def test_no_mapping(given: Any) -> None:
    with pytest.raises(TypeError, match="hparam_dict must be a mapping, not"):
        hparams.parameters(given)


def test_other_mistakes() -> None:
    with pytest.raises(TypeError, match="a tag must be a str, not int"):
        hparams.parameters({1: 1})
    with pytest.raises(TypeError, match="a tag must be a str, not int"):
        hparams.parameters({1: None})
    with pytest.raises(OverflowError):
        hparams.parameters({"a": 10**400})


@pytest.mark.parametrize(
    ("value", "domain", "expected"),
    [
        (0.1, [0.1, 0.2], [0.1, 0.2]),
        (1, [1, 2], [1.0, 2.0]),
        (1, [], []),
        # A bool is an int.
        (1, [True], [1.0]),
        (True, [True, False], [True, False]),
        ("a", ["a", "b"], ["a", "b"]),
        ((1, 2), [(1, 2), (3,)], ["[1, 2]", "[3]"]),
        (np.float32(1), [np.float32(2)], [2.0]),
    ],
)
def test_domains(value: Any, domain: list[Any], expected: list[Any]) -> None:
    found = hparams.domains({"p": domain}, {"p": value})["p"]
    assert found == expected
    assert [type(each) for each in found] == [type(each) for each in expected]


def test_no_domains() -> None:
    assert hparams.domains(None, {"p": 1}) == {}
    assert hparams.domains({}, {"p": 1}) == {}
    # The hyperparameter itself is left out.
    assert hparams.domains({"p": [None]}, {"p": None}) == {}


@pytest.mark.parametrize(
    ("domains", "value", "error", "message"),
    [
        ([], 1, TypeError, "must be a mapping, not list"),
        ({"q": [1]}, 1, TypeError, "'q'] is no name of hparam_dict"),
        ({"p": (1, 2)}, 1, TypeError, "must be a list of int"),
        ({"p": 1}, 1, TypeError, "must be a list of int"),
        ({"p": [1.0]}, 1, TypeError, "must be a list of int"),
        ({"p": [1]}, 1.0, TypeError, "must be a list of float"),
        ({"p": [1]}, True, TypeError, "must be a list of bool"),
        ({"p": [np.zeros(2)]}, np.zeros(1), TypeError, "must be of float as"),
        ({"p": [math.inf]}, 1.0, ValueError, "must be finite, not inf"),
    ],
)
def test_other_domains(domains: Any, value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        hparams.domains(domains, {"p": value})
