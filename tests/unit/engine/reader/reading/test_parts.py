"""What stands alone on an even ground is cut out; a picture without one is looked at whole."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine.reader.reading.parts import Part, parts
from engine.reader.reading.prepare import Pixels, pixels
from tests.instruments.pictures import font


def page(*texts: tuple[int, int, str], size: tuple[int, int] = (1600, 2000), dark: bool = False) -> Pixels:
    ground, ink = ("#202428", "#eee") if dark else ("white", "black")
    picture = Image.new("RGB", size, ground)
    for x, y, text in texts:
        ImageDraw.Draw(picture).text((x, y), text, font=font(30), fill=ink)
    return pixels(picture)


def holds(part: Part, x: int, y: int) -> bool:
    return part.left < x < part.right and part.top < y < part.bottom


@pytest.mark.parametrize("dark", [False, True])
def test_a_word_on_an_empty_page_is_a_part_with_a_margin(dark: bool) -> None:
    [part] = parts(page((700, 900, "Invoice"), dark=dark))
    assert holds(part, 700 - 40, 900 - 40)
    assert holds(part, 800 + 40, 940 + 40)
    assert part.area < 100_000


def test_what_stands_far_apart_is_looked_at_apart() -> None:
    found = parts(page((100, 100, "Letterhead"), (1200, 1900, "page 1")))
    assert len(found) == 2
    assert holds(found[0], 120, 120)
    assert holds(found[1], 1220, 1915)


def test_a_full_page_stays_whole() -> None:
    lines = [
        (
            60,
            y,
            "running text from edge to edge of a page, line after line after line of it, and so on to the right edge",
        )
        for y in range(50, 1950, 50)
    ]
    assert parts(page(*lines)) == [Part(0, 0, 1600, 2000)]


def test_nothing_has_no_part_and_dust_is_nothing() -> None:
    empty = page()
    assert parts(empty) == []
    empty[500, 500] = 0
    assert parts(empty) == []


def test_a_photograph_stays_whole() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (400, 600, 3), np.uint8)
    assert parts(noise) == [Part(0, 0, 600, 400)]


def test_many_specks_are_one_part() -> None:
    specked = page()
    for row in range(5):
        for column in range(5):
            specked[200 * row + 100 : 200 * row + 106, 200 * column + 100 : 200 * column + 106] = 0
    assert len(parts(specked)) == 1
