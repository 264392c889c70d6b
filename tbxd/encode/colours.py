"""The colours of drawn pictures, and a map from 0..1 to colours in which equal steps look equal.

The map goes through CIE 1976 L*a*b* (CIE 015:2018), in which distances are about those that one
sees: the lightness L* rises evenly from 15 to 92 while the hue turns from purple over blue and
green to yellow. So it keeps its order in grey and for who sees few colours. From there to sRGB by
the standard's own formulas (IEC 61966-2-1, white point D65).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from .arrays import NDArray

WHITE = (255, 255, 255)
INK = (38, 38, 38)
PALE = (225, 225, 225)
"""For the lines of a grid."""
LINE = (31, 95, 180)
MISSING = (190, 190, 190)
"""For what is no number."""

ENTRIES = 256

_LIGHTNESS = (15.0, 92.0)
_HUE_DEGREES = (310.0, 102.0)
_CHROMA = (42.0, -9.0, -441.0, 1097.0, -611.0)
"""How strong the colours are: a polynomial of the place that stays within what sRGB can show."""

_WHITE_POINT = np.array([0.95047, 1.0, 1.08883])
_XYZ_TO_LINEAR = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)


@cache
def table() -> NDArray:
    """Return the map: uint8 of shape (ENTRIES, 3), from dark to light."""
    place = np.linspace(0.0, 1.0, ENTRIES)
    lightness = np.interp(place, (0, 1), _LIGHTNESS)
    hue = np.radians(np.interp(place, (0, 1), _HUE_DEGREES))
    chroma = sum(factor * place**power for power, factor in enumerate(_CHROMA))
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    colours = np.round(_to_srgb(lab) * 255).astype(np.uint8)
    colours.flags.writeable = False
    return colours


def of_shares(shares: NDArray) -> NDArray:
    """Return the colours of numbers from 0 to 1, clipped: uint8 of one dimension more, for RGB.

    NaN is MISSING.
    """
    missing = np.isnan(shares)
    entries = np.clip(np.where(missing, 0.0, shares), 0.0, 1.0) * (ENTRIES - 1)
    colours = table()[np.round(entries).astype(np.intp)]
    colours[missing] = MISSING
    return colours


def _to_srgb(lab: NDArray) -> NDArray:
    """Return the sRGB values, 0 to 1, of L*a*b* values of shape (n, 3)."""
    middle = (lab[:, 0] + 16) / 116
    along = np.stack([middle + lab[:, 1] / 500, middle, middle - lab[:, 2] / 200], axis=1)
    bend = 6 / 29
    xyz = np.where(along > bend, along**3, 3 * bend**2 * (along - 4 / 29)) * _WHITE_POINT
    linear = np.clip(xyz @ _XYZ_TO_LINEAR.T, 0.0, 1.0)
    curved: NDArray = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    )
    return curved
