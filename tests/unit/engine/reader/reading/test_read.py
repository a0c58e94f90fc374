"""A picture from bytes to ordered rows, by a recogniser that says what it is told."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine.formats.text_layer import KEY, Run, pack
from engine.reader.reading.lines import Line
from engine.reader.reading.places import Frame
from engine.reader.reading.prepare import Pixels
from engine.reader.reading.read import Reading, read
from tests.unit.engine.reader.lines import line


class Scripted:
    """Finds the same lines in every picture."""

    def __init__(self, *lines: Line) -> None:
        self.lines = list(lines)

    def read(self, pixels: Pixels, progress: Callable[[int, int], None]) -> list[Line]:
        return self.lines


def reading(*lines: Line, layer: str = "") -> Reading:
    file, comment = io.BytesIO(), PngInfo()
    comment.add_itxt(KEY, layer, zip=True)
    Image.new("RGB", (1000, 1000), "white").save(file, "PNG", pnginfo=comment)
    return read(Scripted(*lines), file.getvalue(), lambda *_, **__: None)


def test_a_text_layer_corrects_what_the_picture_shows() -> None:
    layer = pack([Run(0.1, 0.2, 0.4, 0.22, "Invoice No. 20481"), Run(0.1, 0.6, 0.4, 0.62, "hidden words")])
    assert reading(line("Invoice No 2O481", 95, 198, 310), layer=layer).texts == ["Invoice No. 20481"]
    assert reading(line("Invoice No 2O481", 95, 198, 310), layer="rubbish").texts == ["Invoice No 2O481"]


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_place_of_a_line_is_where_it_stands_in_the_picture(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.new("RGB", (1000, 500), "white").save(file, "JPEG", exif=exif)
    width, height = (1000, 500) if orientation < 5 else (500, 1000)
    [place] = read(Scripted(line("Total", 100, 50, 200)), file.getvalue(), lambda *_, **__: None).places
    assert place.text == "Total"
    left, top, right, bottom = 100 / width, 50 / height, 300 / width, 70 / height
    assert place.corners == (left, top, right, top, right, bottom, left, bottom)


@pytest.mark.parametrize(("turn", "corner"), [(0, (0.1, 0.2)), (90, (0.8, 0.1)), (180, (0.9, 0.8)), (270, (0.2, 0.9))])
def test_the_place_in_a_turned_picture_is_turned_back(turn: int, corner: tuple[float, float]) -> None:
    picture = np.zeros((1000, 1000))
    x, y = corner
    picture[int(1000 * y), int(1000 * x)] = 1
    down, across = np.argwhere(np.rot90(picture, turn // 90))[0]
    place = Frame(1000, 1000, 0, turn).place(line("A", float(across), float(down), 5))
    assert place.corners[:2] == pytest.approx(corner, abs=0.002)


def test_a_border_is_no_part_of_the_picture() -> None:
    assert Frame(280, 180, 40, 0).place(line("A", 40, 40, 200, 100)).corners == (0, 0, 1, 0, 1, 1, 0, 1)
    assert Frame(280, 180, 40, 0).place(line("A", 30, 30, 230, 130)).corners == (0, 0, 1, 0, 1, 1, 0, 1)


def test_bullets_are_no_text() -> None:
    assert reading(line("•", 10, 0, 20), line("first of all", 60, 0, 200)).texts == ["first of all"]


def test_a_table_is_found_among_the_rows() -> None:
    cells = [line(f"{name}{row}", left, 40 * row, 60) for row in range(4) for name, left in (("a", 10), ("b", 300))]
    assert reading(*cells).tables[0].rows == tuple((f"a{row}", f"b{row}") for row in range(4))


@pytest.mark.parametrize(
    ("lines", "foreign"),
    [
        ([replace(line("", 0, 0, 300, score=0.0), partly=True)], True),
        ([line("", 0, 0, 300, score=0.0)], False),
        ([line("known", 0, 0, 300)], False),
        ([line("10:00", 0, 0, 300), replace(line("22:00", 0, 60, 300), partly=True)], True),
        ([line("known", 0, 40 * row, 300) for row in range(4)] + [line("", 0, 200, 300, score=0.0)], False),
        ([line("ewn q pninnhu", 0, 0, 300, score=0.6)], True),
        ([line("Kαλημρα κσμε", 0, 0, 300)], True),
        ([line("E三OΔOΣ KINΔYNOY", 0, 0, 300)], True),
        ([line("A wavelength of 5 μm and an angle α of 2π or cosθ", 0, 0, 300)], False),
        ([], False),
    ],
)
def test_a_script_that_is_not_known_is_noticed(lines: list[Line], foreign: bool) -> None:
    assert reading(*lines).foreign is foreign
