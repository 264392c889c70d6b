"""An axis of a plot: the range it shows, and the round numbers at its ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .arrays import NDArray

LARGEST = 1e300
"""Numbers beyond it are drawn at it: differences and sums of a few stay finite."""

_SMALLEST = 1e-290
"""Numbers below it are drawn as zeros: what is left when they are divided is no number."""

_SMALLEST_RANGE = 1e-6
"""Least range of an axis, as a share of its numbers: below, the labels of ticks would be equal."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of numbers and what stands at it."""

    low: float
    high: float
    """Above ``low``."""
    ticks: tuple[float, ...]
    """Within the range, rising."""
    labels: tuple[str, ...]
    """One for each tick."""

    def shares(self, numbers: NDArray) -> NDArray:
        """Return where numbers lie: 0 at ``low``, 1 at ``high``; NaN and infinities stay so."""
        drawn = np.where(np.isfinite(numbers), np.clip(numbers, -LARGEST, LARGEST), numbers)
        with np.errstate(all="ignore"):
            shares: NDArray = (drawn - self.low) / (self.high - self.low)
        return shares


def of(numbers: NDArray, most: int, margin: float = 0.0) -> Axis:
    """Return an axis on which all finite ``numbers`` are.

    Args:
        numbers: float64; what is not finite is ignored.
        most: about how many ticks, at least 2.
        margin: what it is longer by at either end, as a share of its length.
    """
    finite = numbers[np.isfinite(numbers)]
    found = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    low, high = (max(-LARGEST, min(float(each), LARGEST)) for each in found)
    largest = max(abs(low), abs(high))
    if largest < _SMALLEST:
        reach = 1.0
    elif high - low < largest * _SMALLEST_RANGE:
        # One number, or nearly: it stands in the middle.
        reach = largest * 0.1
    else:
        reach = (high - low) * margin
    low, high = low - reach, high + reach
    step = round_step((high - low) / most)
    first, last = math.ceil(low / step), math.floor(high / step)
    while first > last:
        # A range that lies between two numbers of this step: to the next smaller one.
        step = round_step(step * 0.3)
        first, last = math.ceil(low / step), math.floor(high / step)
    ticks = tuple(number * step for number in range(first, last + 1))
    return Axis(low, high, ticks, tuple(_label(tick, step, low, high) for tick in ticks))


def round_step(least: float) -> float:
    """Return the least of 1, 2 and 5 times a power of ten that is not below ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    for factor in (1, 2, 5):
        if factor * power >= least:
            return factor * power
    return 10 * power


def _label(tick: float, step: float, low: float, high: float) -> str:
    """Return a tick's number with the digits that tell it from its neighbours."""
    if abs(tick) < step / 2:
        return "0"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if decimals <= 4 and max(abs(low), abs(high)) < 1e6:
        return f"{tick:.{decimals}f}"
    digits = math.floor(math.log10(abs(tick)) + 1e-9) - math.floor(math.log10(step) + 1e-9)
    mantissa, exponent = f"{tick:.{max(0, digits)}e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"
