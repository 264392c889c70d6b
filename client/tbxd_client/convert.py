"""Values of any framework to plain numbers, without importing the framework.

What a value is, is asked of the value: numpy arrays by their class, everything else by the methods
that torch, jax, tensorflow and cupy give their arrays. A device value is copied to the host here,
once: the number at the time of the call is what is logged.

Errors are those that users of tensorboardX know: AssertionError for more than one element,
TypeError or NotImplementedError for what is no number.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from math import isfinite, nan
from typing import Any

import numpy

from tbxd_wire.limits import STEP_MAX, STEP_MIN

NO_ARRAYS = (tuple, dict, set, frozenset, range, type(None), type)
"""What both peers take for no array, whatever is in it."""

_REFUSALS = (TypeError, ValueError, OverflowError)


def scalar(value: Any) -> float:
    """Return ``value`` as a float64.

    Takes Python and numpy numbers, and arrays and tensors of any framework with exactly one
    element, of any shape, dtype (bfloat16 included) and device. One that is masked is NaN.

    Raises:
        AssertionError: not exactly one element.
        NotImplementedError: a container or object that is no array, as both peers raise.
        OverflowError: an int beyond a float64.
        TypeError: a string, a complex number.
    """
    kind = type(value)
    if kind is float or kind is int or kind is bool:
        return float(value)
    if isinstance(value, NO_ARRAYS):
        raise NotImplementedError(
            f"a scalar must be a number or an array of one element, not {kind.__name__}"
        )
    if isinstance(value, (str, bytes, complex)):
        raise TypeError(f"a scalar must be a number, not {value!r:.60} of type {kind.__name__}")
    if isinstance(value, list):
        value = numpy.array(value)
    if not isinstance(value, (numpy.generic, numpy.ndarray, int, float)):
        value = _on_host(value)
    if isinstance(value, (numpy.generic, numpy.ndarray)):
        if value.size != 1:
            raise AssertionError(
                f"a scalar must have exactly one element, not {value.size} (shape {value.shape})"
            )
        value = nan if _is_masked(value) else value.reshape(()).item()
    if isinstance(value, (str, bytes, complex)):
        raise TypeError(f"a scalar must be a real number, not {value!r:.60}")
    return float(value)


def _on_host(value: Any) -> Any:
    """Return the one element of a framework's array as a Python number, or a numpy array."""
    elements = _element_count(value)
    if elements not in (None, 1):
        raise AssertionError(
            f"a scalar must have exactly one element, not {elements}"
            f" (shape {tuple(getattr(value, 'shape', ()))})"
        )
    if getattr(value, "is_meta", False):
        raise NotImplementedError("a tensor on the meta device has no value to log")
    if callable(item := getattr(value, "item", None)):
        return item()
    if callable(as_numpy := getattr(value, "numpy", None)):
        return as_numpy()
    if hasattr(value, "__array__"):
        return numpy.asarray(value)
    if hasattr(value, "__float__"):
        return float(value)
    raise NotImplementedError(
        f"a scalar must be a number or an array of one element, not {type(value).__name__}"
    )


def _is_masked(value: Any) -> bool:
    """Whether the one element of a value is masked: numpy's own module knows of masks."""
    if not isinstance(value, numpy.ndarray):
        return False
    masked_arrays = getattr(sys.modules.get("numpy.ma"), "MaskedArray", ())
    return isinstance(value, masked_arrays) and bool(value.mask.any())


def _element_count(value: Any) -> int | None:
    """Return how many elements a framework's array has; None if it does not say."""
    shape = getattr(value, "shape", None)
    if shape is None:
        return None
    count = 1
    for extent in shape:
        count *= int(extent)
    return count


def scalars(values: Any) -> dict[str, float]:
    """Return ``{name: number}`` with every value as :func:`scalar` makes it.

    Raises:
        TypeError: not a mapping, or a key that is no str.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"expected a mapping of names to numbers, not {type(values).__name__}")
    result = {}
    for name, value in values.items():
        result[tag(name)] = scalar(value)
    return result


def tag(name: Any) -> str:
    """Return ``name`` if it is a str, as a plain one.

    Raises:
        TypeError: anything else.
    """
    if not isinstance(name, str):
        raise TypeError(f"a tag must be a str, not {type(name).__name__}")
    return plain(name)


def plain(text: str) -> str:
    """Return the characters of ``text`` as a str of no subclass.

    Not ``str(text)``: an enumeration's member is a str with a ``__str__`` of its own.
    """
    return str.__str__(text)


def step(value: Any, name: str = "global_step") -> int | None:
    """Return a step as an int64, or None for None; ``name`` is what an error calls it.

    Takes what the peers take: ints, floats (truncated), numpy numbers, arrays and tensors of one
    element, numeric strings.

    Raises:
        OverflowError: infinite.
        TypeError: something that ``int`` does not take.
        ValueError: outside int64, masked, NaN, or a string that is no number.
    """
    if value is None:
        return None
    # What most steps are is not looked at: this is asked at every call.
    number = value if type(value) is int else _integer(value, name)
    if not STEP_MIN <= number <= STEP_MAX:
        raise ValueError(f"{name} must be an int64 ({STEP_MIN} to {STEP_MAX}), not {number}")
    return number


def _integer(value: Any, name: str) -> int:
    """Return what ``int`` makes of a value, or raise what :func:`step` says."""
    if _is_masked(value):
        raise ValueError(f"{name} must be an integer, not {value!r:.60}")
    try:
        return int(_only_element(value))
    except _REFUSALS as error:
        raise _refusal(error, f"{name} must be an integer, not {value!r:.60}") from None


def _only_element(value: Any) -> Any:
    """Return what an array of one element holds, and anything else as it is.

    numpy, from 2.4 on, and jax make an int of such an array only if it has no dimensions.
    """
    if getattr(value, "shape", ()) and _element_count(value) == 1 and hasattr(value, "item"):
        return value.item()
    return value


def _refusal(error: Exception, text: str) -> Exception:
    """Return an error of the kind of ``error`` that says ``text``, too.

    Not of its very class, which may be made of something else than a text.
    """
    kind = next(each for each in _REFUSALS if isinstance(error, each))
    return kind(f"{text}: {error}")


def wall_time(value: Any) -> float:
    """Return seconds since 1970 as a finite float.

    Raises:
        OverflowError: an int beyond a float64.
        TypeError: something that ``float`` does not take.
        ValueError: NaN or infinite: one such event makes TensorBoard drop the rest of the file.
    """
    if isinstance(value, (str, bytes)):
        raise TypeError(f"walltime must be seconds since 1970, not {value!r:.60}")
    try:
        seconds = float(value)
    except _REFUSALS as error:
        raise _refusal(error, f"walltime must be seconds since 1970, not {value!r:.60}") from None
    if not isfinite(seconds):
        raise ValueError(f"walltime must be finite (seconds since 1970), not {seconds}")
    return seconds


def timeout(value: float) -> float:
    """Return how long to wait, in seconds.

    Raises:
        TypeError: no number.
        ValueError: negative, or NaN.
    """
    if not value >= 0:
        raise ValueError(f"timeout_s must be seconds from 0 on, not {value!r}")
    return value
