"""A picture from bytes to ordered rows, by a recogniser that says what it is told."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine.formats.text_layer import KEY, Run, pack
from engine.reader.reading.lines import Line
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
