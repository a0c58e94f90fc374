"""Documents that other OCR engines lose: one word on a page, large letters, narrow gutters, code, unknown script."""

from __future__ import annotations

import random
import re

import pytest
from PIL import Image, ImageDraw

from engine.reader.answering.answer import compose
from engine.reader.reading.read import Reading, read
from engine.reader.reading.recogniser import Recogniser
from tests.instruments.pictures import font, png
from tests.instruments.pictures.documents import two_columns


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    made = Recogniser(2)
    made.warm_up()
    return made


def reading(recogniser: Recogniser, picture: Image.Image) -> Reading:
    return read(recogniser, png(picture), lambda *_, **__: None)


def sheet(size: tuple[int, int], *texts: tuple[int, int, int, str], ground: str = "white") -> Image.Image:
    """Texts at (left, top) in letters of a size."""
    picture = Image.new("RGB", size, ground)
    for left, top, letters, text in texts:
        ImageDraw.Draw(picture).text(
            (left, top), text, font=font(letters), fill="#eee" if ground != "white" else "#111"
        )
    return picture


@pytest.mark.parametrize(
    ("picture", "texts"),
    [
        (sheet((1500, 2100), (300, 250, 38, "Quotation")), ["Quotation"]),
        (sheet((1500, 2100), (300, 250, 34, "Dear Madam"), (1250, 2000, 24, "Page 3")), ["Dear Madam", "Page 3"]),
        (sheet((1800, 1000), (820, 460, 15, "Delete this file?"), ground="#23272e"), ["Delete this file?"]),
        (sheet((1500, 800), (120, 20, 480, "OPEN")), ["OPEN"]),
        (sheet((1800, 480), (300, 80, 220, "欢迎光临")), ["欢迎光临"]),
        (sheet((500, 90), (8, 8, 12, "Net income and earnings per share"), (8, 45, 12, "Cost of goods sold")),
         ["Net income and earnings per share", "Cost of goods sold"]),
        (sheet((900, 300), (60, 60, 40, "¡Bienvenidos a casa!")), ["¡Bienvenidos a casa!"]),
    ],
)  # fmt: skip
def test_nothing_is_lost(recogniser: Recogniser, picture: Image.Image, texts: list[str]) -> None:
    assert reading(recogniser, picture).texts == texts


@pytest.mark.parametrize(("size", "gutter"), [(22, 20), (28, 30)])
def test_two_justified_columns_are_read_one_after_the_other(recogniser: Recogniser, size: int, gutter: int) -> None:
    page = two_columns(random.Random(gutter), size, gutter, rows=8)
    found = ["".join(text.split()) for text in reading(recogniser, page.picture).texts]
    wanted = ["".join(text.split()) for text in page.lines]
    assert len(found) == len(wanted)
    assert sum(one == other for one, other in zip(found, wanted, strict=True)) >= 0.9 * len(wanted)


@pytest.mark.parametrize("text", ["안녕하세요 오늘은 날씨가", "Съешь ещё этих мягких", "ΥΨΗΛΗ ΤΑΣΗ ΚΙΝΔΥΝΟΣ"])
def test_a_script_that_is_not_known_is_named(recogniser: Recogniser, text: str) -> None:
    found = reading(recogniser, sheet((900, 300), (60, 60, 40, text)))
    assert found.foreign
    assert re.search("Korean, Cyrillic", compose("Read it all", [found], [""], "en", follow_up=False))
