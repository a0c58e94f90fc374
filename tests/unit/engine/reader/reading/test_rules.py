"""Cells over several rows or columns: the rules of the table say so, where it has them."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine.reader.reading import layout
from engine.reader.reading.lines import Line
from engine.reader.reading.tables import tables
from tests.instruments.pictures import font
from tests.unit.engine.reader.lines import line

Cell = tuple[int, int, int, int, str]
"""Row, column, how many rows and columns it reaches over, text."""
SIDES, ROW = (40, 200, 360, 480), 46


def drawn(cells: list[Cell], *, upright: bool = True, slope: float = 0.0) -> tuple[list[list[Line]], np.ndarray]:
    """The rows of lines of a table, each text in the middle of its cell, and its pixels."""
    picture = Image.new("RGB", (540, 400), "white")
    draw, letters = ImageDraw.Draw(picture), font(20)
    lines = []
    for row, column, rows, columns, text in cells:
        left, right, top, bottom = SIDES[column], SIDES[column + columns], ROW * (row + 1), ROW * (row + 1 + rows)
        for y in (top, bottom):
            draw.line((left, y, right, y + slope * (right - left)), fill="#888")
        if upright:
            for x in (left, right):
                draw.line((x, top, x, bottom), fill="#888")
        draw.text(((left + right) / 2, (top + bottom) / 2), text, font=letters, fill="black", anchor="mm")
        width = letters.getlength(text)
        lines.append(line(text, (left + right - width) / 2, (top + bottom) / 2 - 13, width, 26))
    return layout.rows(lines), np.asarray(picture)


def one(row: int, *texts: str) -> list[Cell]:
    return [(row, column, 1, 1, text) for column, text in enumerate(texts) if text]


DRINKS = [
    *one(0, "Kind", "Item", "Price"), (1, 0, 2, 1, "Drinks"), *one(1, "", "Tea", "2.10"), *one(2, "", "Juice", "2.80"),
    (3, 0, 3, 1, "Food"), *one(3, "", "Soup", "4.50"), *one(4, "", "Bread", "1.20"), *one(5, "", "Cake", "3.30"),
]  # fmt: skip
HALVES = [
    (0, 0, 1, 1, "Region"), (0, 1, 1, 2, "First half"), *one(1, "All", "Q1", "Q2"), *one(2, "North", "12", "14"),
    *one(3, "South", "22", "24"), (4, 0, 1, 2, "Whole"), (4, 2, 1, 1, "38"), *one(5, "West", "7", "8"),
]  # fmt: skip


@pytest.mark.parametrize("upright", [True, False])
def test_a_cell_over_several_rows_is_in_the_first(upright: bool) -> None:
    [table] = tables(*drawn(DRINKS, upright=upright))
    assert [row[0] for row in table.rows] == ["Kind", "Drinks", "", "Food", "", ""]
    assert [row[1:] for row in table.rows][1:3] == [("Tea", "2.10"), ("Juice", "2.80")]


def test_a_cell_over_several_columns_is_in_the_first() -> None:
    [table] = tables(*drawn(HALVES))
    assert table.rows[:2] == (("Region", "First half", ""), ("All", "Q1", "Q2"))
    assert table.rows[4] == ("Whole", "", "38")


def test_a_table_that_is_not_quite_level_has_its_rules_too() -> None:
    [table] = tables(*drawn(DRINKS, slope=0.006))
    assert [row[0] for row in table.rows] == ["Kind", "Drinks", "", "Food", "", ""]


def test_rules_between_groups_of_rows_join_no_rows() -> None:
    rows = [one(row, f"a{row}", f"b{row}", f"c{row}") for row in range(6)]
    lines, pixels = drawn([cell for row in rows for cell in row])
    blank = np.full_like(pixels, 255)
    for group in (1, 3, 5):
        blank[ROW * (group + 1)] = 0
    expected = tuple((f"a{row}", f"b{row}", f"c{row}") for row in range(6))
    assert [table.rows for table in tables(lines, blank)] == [expected]
    assert [table.rows for table in tables(lines, pixels)] == [expected]
    assert [table.rows for table in tables(lines, np.full_like(pixels, 255))] == [expected]


def test_the_labels_beside_the_boxes_of_a_form_stay_apart() -> None:
    picture = Image.new("RGB", (540, 400), "white")
    draw, letters = ImageDraw.Draw(picture), font(20)
    lines = []
    for row, (label, value) in enumerate([("Name", "Ada Byron"), ("Born", "1815"), ("City", "London"), ("No.", "42")]):
        middle = 60 + 80 * row
        draw.rectangle((200, middle - 25, 500, middle + 25), outline="#888")
        for text, left in ((label, 40), (value, 220)):
            draw.text((left, middle), text, font=letters, fill="black", anchor="lm")
            lines.append(line(text, left, middle - 13, letters.getlength(text), 26))
    [table] = tables(layout.rows(lines), np.asarray(picture))
    assert table.rows == (("Name", "Ada Byron"), ("Born", "1815"), ("City", "London"), ("No.", "42"))
