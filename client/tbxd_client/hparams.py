"""Hyperparameters as TensorBoard knows them: each is a bool, a number or a text.

A bool (numpy's and tensors' of one element included) stays a bool, where torch would make it a
number; a number of any kind becomes a float64. Lists, tuples, sets, mappings, and arrays of more
elements become JSON, so that ``[64, 64]`` and ``(64, 64)`` are the same choice; a callable goes by
its name; None is left out; anything else is what ``str`` makes of it (a path, a device, an
enumeration's member). Both peers lose most of these or refuse them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from math import isfinite
from typing import Any

import numpy

from . import arrays, convert

Parameter = bool | float | str

ELEMENTS = 1000
"""Most elements of an array that becomes a text; a longer one could not be read in a table."""


def parameters(given: Any) -> dict[str, Parameter]:
    """Return the hyperparameters of ``given``, without those that are None.

    Raises:
        TypeError: not a mapping, or a name that is no str.
        OverflowError: an int beyond a float64.
        ValueError: an array of more than ELEMENTS elements.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"hparam_dict must be a mapping, not {type(given).__name__}")
    names = [convert.tag(name) for name in given]
    return {
        name: parameter(value, f"the hyperparameter {name!r:.40}")
        for name, value in zip(names, given.values(), strict=True)
        if value is not None
    }


def parameter(value: Any, name: str = "a hyperparameter") -> Parameter:
    """Return one value as a bool, a float64 or a text, as the head of the module says.

    Raises:
        As :func:`parameters`.
    """
    if isinstance(value, (bool, numpy.bool_)):
        return bool(value)
    if isinstance(value, str):
        return convert.plain(value)
    if isinstance(value, (int, float)):
        return float(value)
    if hasattr(value, "__array__") and not isinstance(value, type):
        return _of_array(value, name)
    if callable(value):
        return str(getattr(value, "__name__", value))
    if isinstance(value, (list, tuple, Mapping, Set)):
        return _json(value)
    return str(value)


def domains(given: Any, hparams: Mapping[str, Any]) -> dict[str, list[Parameter]]:
    """Return the values that each hyperparameter can have, for those of which it is said.

    Args:
        given: ``{name: list of values}``, or None.
        hparams: the hyperparameters as the caller has them.

    Raises:
        TypeError: not a mapping, a name that is no hyperparameter, or what is no list of values of
            the hyperparameter's own type: the check that torch makes.
        ValueError: a number that is not finite: TensorBoard could then show no hyperparameter.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(f"hparam_domain_discrete must be a mapping, not {type(given).__name__}")
    found = {}
    for name, values in given.items():
        if name not in hparams:
            raise TypeError(f"hparam_domain_discrete[{name!r:.40}] is no name of hparam_dict")
        kind = type(hparams[name])
        if not isinstance(values, list) or not all(isinstance(each, kind) for each in values):
            raise TypeError(
                f"hparam_domain_discrete[{name!r:.40}] must be a list of {kind.__name__}"
                f" as the hyperparameter itself, not {values!r:.60}"
            )
        if hparams[name] is not None:
            own = parameter(hparams[name])
            found[name] = [_like(own, parameter(each), name) for each in values]
    return found


def _like(own: Parameter, value: Parameter, name: str) -> Parameter:
    """Return a value of a domain, whose type is that of the hyperparameter's ``own``."""
    # In Python a bool is an int.
    if type(own) is float and type(value) is bool:
        value = float(value)
    if type(own) is not type(value):
        raise TypeError(
            f"hparam_domain_discrete[{name!r:.40}] must be of {type(own).__name__} as the"
            f" hyperparameter itself, not {type(value).__name__}"
        )
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"hparam_domain_discrete[{name!r:.40}] must be finite, not {value}")
    return value


def _of_array(value: Any, name: str) -> Parameter:
    """Return the one element of an array or tensor, or a text of its elements."""
    try:
        array = arrays.host_array(value, name)
    except TypeError:
        # Of strings, of objects, or sparse.
        return str(value)
    if array.dtype.kind == "c":
        return str(value)
    if array.size == 1:
        element = array.reshape(()).item()
        return element if isinstance(element, bool) else float(element)
    if array.size > ELEMENTS:
        raise ValueError(
            f"{name} must be an array of at most {ELEMENTS} elements, not of shape {array.shape}"
        )
    return _json(array.tolist())


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=_inner)
    except (TypeError, ValueError, RecursionError):
        # Keys that are no text, or a list that contains itself.
        return str(value)


def _inner(value: Any) -> Any:
    """Return for JSON what stands inside a list or mapping and is not JSON's own."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return sorted(value, key=str)
    return parameter(value)
