from __future__ import annotations

import numpy as np

from tbxd.encode import colours
from tbxd.encode.arrays import NDArray


def lightness(table: NDArray) -> NDArray:
    """Return L* of sRGB colours, by the formulas of IEC 61966-2-1 and CIE 015."""
    share = table / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126729, 0.7151522, 0.0721750])
    found: NDArray = np.where(
        luminance > (6 / 29) ** 3, 116 * np.cbrt(luminance) - 16, luminance * (29 / 3) ** 3
    )
    return found


def test_lightness_rises_evenly() -> None:
    """Which also says that no colour is beyond what sRGB can show: it would be cut."""
    found = lightness(colours.table())
    assert np.diff(found).min() > -0.3  # what rounding to 8 bits does
    assert np.abs(found - np.linspace(15, 92, colours.ENTRIES)).max() < 0.5


def test_steps_look_equal() -> None:
    """Nearly all entries differ, and no two neighbours are far apart."""
    steps = np.abs(np.diff(colours.table().astype(int), axis=0)).sum(axis=1)
    assert steps.max() <= 8
    assert len(np.unique(colours.table(), axis=0)) >= 250


def test_shares() -> None:
    shares = np.array([[0.0, 1.0, 0.5], [-np.inf, np.inf, np.nan]])
    found = colours.of_shares(shares)
    table = colours.table()
    assert found.shape == (2, 3, 3)
    assert (found[0, 0] == table[0]).all()
    assert (found[0, 1] == table[-1]).all()
    assert (found[0, 2] == table[128]).all()
    assert (found[1, 0] == table[0]).all()
    assert (found[1, 1] == table[-1]).all()
    assert (found[1, 2] == colours.MISSING).all()
