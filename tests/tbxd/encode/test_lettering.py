from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from tbxd.encode import lettering
from tbxd.encode.arrays import NDArray

BITMAP = getattr(ImageFont, "load_default_imagefont", ImageFont.load_default)()
"""The font of Pillow 10.0, or of one without FreeType."""


def written(text: str, align: tuple[float, float] = (0.0, 0.0), size: int = 13) -> NDArray:
    """Return which pixels of 200 x 100 are dark after writing at the middle."""
    picture = Image.new("L", (200, 100), 255)
    font = lettering.font_of(size)
    lettering.write(ImageDraw.Draw(picture), (100, 50), text, font, (0,), align)
    return np.asarray(picture) < 128


@pytest.mark.parametrize("align", [(0.0, 0.0), (1.0, 0.5), (0.5, 0.5)])
def test_a_line_lies_where_it_is_told_to(align: tuple[float, float]) -> None:
    rows, columns = np.nonzero(written("Ag", align))
    font = lettering.font_of(13)
    left = 100 - align[0] * lettering.width_of("Ag", font)
    top = 50 - align[1] * lettering.height_of(font)
    assert abs(columns.min() - left) <= 2
    assert abs(rows.min() - top) <= 3
    assert abs(columns.max() - (left + lettering.width_of("Ag", font))) <= 2
    assert abs(rows.max() - (top + lettering.height_of(font))) <= 3


def test_upright_reads_from_below_to_above() -> None:
    font = lettering.font_of(13)
    level = Image.new("RGBA", (lettering.width_of("Ag", font), lettering.height_of(font)))
    lettering.write(ImageDraw.Draw(level), (0, 0), "Ag", font, "black")
    turned = lettering.upright("Ag", font, "black")
    assert np.array_equal(np.asarray(turned)[..., 3], np.rot90(np.asarray(level)[..., 3]))


def test_texts_become_one_short_line() -> None:
    font = lettering.font_of(13)
    assert lettering.plain("a\nb\tc\0d", font) == "a b c d"
    assert lettering.plain("x" * 60, font) == "x" * 60
    assert lettering.plain("x" * 61, font) == "x" * 57 + "..."
    assert lettering.plain("x" * 10_000_000, font) == "x" * 57 + "..."


def test_letters_that_a_font_lacks() -> None:
    font = lettering.font_of(13)
    if isinstance(font, ImageFont.FreeTypeFont):
        assert lettering.plain("größe é e\u0301 日 ½ ﬁ", font) == "gro?e e e ? ? fi"
    assert lettering.plain("größe é e\u0301 日 ő", BITMAP) == "größe é e ? o"


@given(st.text(max_size=100), st.integers(0, 200))
def test_any_text_fits(text: str, width: int) -> None:
    for font in (lettering.font_of(13), BITMAP):
        found = lettering.fitting(text, font, width)
        assert lettering.width_of(found, font) <= width or not found
        lettering.write(ImageDraw.Draw(Image.new("L", (9, 9))), (0, 0), found, font, (0,))
        lettering.upright(found, font, "black")


def test_the_bitmap_font_of_older_pillows(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_default() -> lettering.Font:
        return BITMAP

    monkeypatch.setattr(ImageFont, "load_default", load_default)
    font = lettering.font_of.__wrapped__(13)
    assert font is BITMAP
    assert lettering.plain("é日", font) == "é?"
