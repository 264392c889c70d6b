"""Letters in drawn pictures: the font that Pillow brings along, measured and written.

The font is Aileron from Pillow 10.1 on, if Pillow has FreeType, in any size and of ASCII alone.
Otherwise it is a bitmap of one size that has the letters of Latin-1. Letters that it lacks lose
their accents or become question marks. Text that came from outside is cut to a length and to one
line first.
"""

from __future__ import annotations

from functools import lru_cache
from unicodedata import combining, normalize

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, ...] | str
Font = ImageFont.ImageFont | ImageFont.FreeTypeFont

CHARACTERS = 60
"""Longest text that is written; a longer one ends in "...": a picture's labels are no prose."""


@lru_cache(maxsize=64)
def font_of(size: int) -> Font:
    """Return the font whose letters are about ``size`` pixels high, if there is a choice."""
    try:
        return ImageFont.load_default(size)
    except TypeError:
        # Pillow 10.0 takes no size.
        return ImageFont.load_default()


def plain(text: str, font: Font, characters: int = CHARACTERS) -> str:
    """Return ``text`` as one line of at most so many characters that ``font`` can write."""
    letters = "ascii" if isinstance(font, ImageFont.FreeTypeFont) else "latin-1"
    line = "".join(_written(each, letters) for each in text[: characters + 1])
    if len(line) > characters:
        line = line[: max(0, characters - 3)] + "..."[:characters]
    return line


def _written(letter: str, letters: str) -> str:
    """Return a letter, or what stands for it where there are ``letters`` alone."""
    if not letter.isprintable():
        return " "
    if letter.encode(letters, "ignore"):
        return letter
    # "ő" is "o" and an accent. An accent that stands by itself belongs to the letter before.
    parts = "".join(each for each in normalize("NFKD", letter) if not combining(each))
    return parts if parts.isascii() else "?"


def fitting(text: str, font: Font, width: float) -> str:
    """Return ``text`` as :func:`plain` has it, cut so that it is at most ``width`` pixels wide."""
    whole = plain(text, font)
    if width_of(whole, font) <= width:
        return whole
    fits, too_many = 0, len(whole)
    while too_many - fits > 1:
        characters = (fits + too_many) // 2
        if width_of(plain(text, font, characters), font) <= width:
            fits = characters
        else:
            too_many = characters
    return plain(text, font, fits)


def width_of(text: str, font: Font) -> int:
    """Return the width of one line in pixels."""
    return round(font.getbbox(text)[2])


def height_of(font: Font) -> int:
    """Return the height of a line in pixels: from the top of a capital to below a g."""
    _, top, _, bottom = font.getbbox("Ag")
    return round(bottom - top)


def write(
    canvas: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    font: Font,
    colour: Colour,
    align: tuple[float, float] = (0.0, 0.0),
) -> None:
    """Write one line.

    Args:
        place: x and y in pixels.
        align: which point of the line lies at ``place``: (0, 0) the left end of its top, (0.5,
            0.5) its middle, (1, 0.5) its right end at half height.
    """
    top = font.getbbox("Ag")[1]
    x = place[0] - align[0] * width_of(text, font)
    y = place[1] - align[1] * height_of(font) - top
    canvas.text((round(x), round(y)), text, font=font, fill=colour)


def upright(text: str, font: Font, colour: Colour) -> Image.Image:
    """Return one line that reads from below to above, on a transparent picture of its size."""
    size = max(1, width_of(text, font)), max(1, height_of(font))
    picture = Image.new("RGBA", size, (255, 255, 255, 0))
    write(ImageDraw.Draw(picture), (0, 0), text, font, colour)
    return picture.transpose(Image.Transpose.ROTATE_90)
