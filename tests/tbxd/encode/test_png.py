from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tbxd.encode import png
from tbxd.encode.arrays import NDArray

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def shown(encoded: bytes) -> tuple[str, NDArray]:
    """Return what another program reads: every check sum is looked at."""
    Image.open(io.BytesIO(encoded)).verify()
    image = Image.open(io.BytesIO(encoded))
    pixels = np.asarray(image)
    return image.mode, pixels.reshape(image.height, image.width, -1)


@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(1, 4), st.integers(1, 255), st.integers(0)
)
def test_pixels_come_back(height: int, width: int, channels: int, most: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, most + 1, (height, width, channels), dtype=np.uint8)
    mode, found = shown(png.encode(pixels))
    assert mode == MODES[channels]
    assert np.array_equal(found, pixels)


@pytest.mark.parametrize("strip_bytes", [1, 100, 10_000])
def test_strips_join(strip_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (50, 33, 3), dtype=np.uint8)
    monkeypatch.setattr(png, "_STRIP_BYTES", strip_bytes)
    assert np.array_equal(shown(png.encode(pixels))[1], pixels)


def test_pixels_of_any_strides() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (3, 20, 10), dtype=np.uint8)
    turned = pixels.transpose(2, 1, 0)[::-1]
    assert np.array_equal(shown(png.encode(turned))[1], turned)


def test_one_colour_is_small() -> None:
    assert len(png.encode(np.full((512, 512, 3), 77, np.uint8))) < 8000
