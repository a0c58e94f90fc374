"""Documents as people have them: papers in two justified columns."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from PIL import Image, ImageDraw, ImageFont

from tests.instruments.pictures.fonts import Family, font

_TEXT = """the method of a model is that we show how each layer learns from data and why results improve when training
runs longer with larger batches while noise remains small across several tasks such as reading tables or finding
lines in pictures of pages which were scanned at low resolution by people who have no better machine at hand"""
_WORDS = _TEXT.split()


@dataclass(frozen=True)
class Drawn:
    """A picture and its lines in the order in which people read them."""

    picture: Image.Image
    lines: list[str]


def two_columns(rng: Random, size: int, gutter: int, rows: int = 24, family: Family = "serif") -> Drawn:
    """Two justified columns of running text below a title; `size` and `gutter` in pixels."""
    letters, width = font(size, family), 21 * size
    leading, margin = round(size * 1.2), 3 * size
    picture = Image.new("RGB", (2 * margin + 2 * width + gutter, margin * 3 + rows * leading), "white")
    draw = ImageDraw.Draw(picture)
    title = "On Reading What Stands in Columns"
    draw.text((picture.width / 2, margin), title, font=font(2 * size, family), fill="black", anchor="mm")
    lines = [title]
    for column in range(2):
        for row in range(rows):
            words = _line(rng, letters, width)
            at = (margin + column * (width + gutter), 2 * margin + row * leading)
            last = row == rows - 1
            _justify(draw, at, words, letters, None if last else width)
            lines.append(" ".join(words))
    return Drawn(picture, lines)


def _line(rng: Random, letters: ImageFont.FreeTypeFont, width: int) -> list[str]:
    words = [rng.choice(_WORDS)]
    while letters.getlength(" ".join([*words, longer := rng.choice(_WORDS)])) <= width:
        words.append(longer)
    return words


def _justify(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    words: list[str],
    letters: ImageFont.FreeTypeFont,
    width: int | None,
) -> None:
    x, y = at
    lengths = [letters.getlength(word) for word in words]
    space = letters.getlength(" ")
    if width is not None and len(words) > 1:
        space = (width - sum(lengths)) / (len(words) - 1)
    for word, length in zip(words, lengths, strict=True):
        draw.text((x, y), word, font=letters, fill="black", anchor="ls")
        x += length + space
