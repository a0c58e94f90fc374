"""Cells that stand below each other are a table; running text and short lists are none."""

import random

import pytest

from engine.reader.reading import layout
from engine.reader.reading.lines import Line
from engine.reader.reading.tables import tables
from tests.unit.engine.reader.lines import line

COLUMNS = (20, 240, 400, 520)


def cells(*rows: tuple[str, ...], top: float = 0, right: int = 4) -> list[Line]:
    """A row of cells every 40 pixels; from the column `right` on, the cells end at one edge."""
    return [
        line(cell, left if column < right else left + 90 - 10 * len(cell), top + 40 * number, 10 * len(cell))
        for number, row in enumerate(rows)
        for column, (cell, left) in enumerate(zip(row, COLUMNS, strict=False))
        if cell
    ]


STOCK = (("Item", "Stock", "Price"), ("Oat milk", "12", "2.35"), ("Tea", "", "11.20"), ("Rye bread", "340", "3.10"))


def found(lines: list[Line]) -> list[tuple[tuple[str, ...], ...]]:
    shuffled = random.Random(1).sample(lines, len(lines))
    return [table.rows for table in tables(layout.rows(shuffled))]


@pytest.mark.parametrize("right", [1, 2, 4])
def test_cells_keep_their_columns(right: int) -> None:
    assert found(cells(*STOCK, right=right)) == [STOCK]


def test_text_around_a_table_is_not_of_it_and_several_are_found() -> None:
    title = line("A list of what is on the shelves", 20, 0, 320)
    note = line("Prices include tax, and change without notice", 20, 340, 450)
    [first, second] = tables(layout.rows([title, *cells(*STOCK, top=60), note, *cells(*STOCK[:3], top=460)]))
    assert (first.rows, first.first, first.last) == (STOCK, 1, 4)
    assert (second.rows, second.first) == (STOCK[:3], 6)


def test_a_heading_over_two_columns_does_not_join_them() -> None:
    lines = [line("A heading over both", 240, 0, 240), line("Item", 20, 0, 40), *cells(*STOCK, *STOCK[1:], top=40)]
    assert found(lines)[0][1:] == (*STOCK, *STOCK[1:])


def test_a_box_over_two_columns_is_parted_between_words() -> None:
    lines = [one for one in cells(*STOCK, *STOCK[1:]) if one.text not in {"340", "3.10"}]
    merged = line("340            3.10", 240, 120, 200)
    assert ("Rye bread", "340", "3.10") in found([*lines, merged, *cells(("Rye bread", "7", "3.20"), top=280)])[0]


def test_the_second_line_of_a_cell_is_no_row() -> None:
    more = line("and honey", 240, 56, 90)
    rows = (("Item", "Made of"), ("Cake", "flour, eggs"), ("Soup", "carrots"), ("Bread", "rye"))
    table = found([*cells(*rows), more])[0]
    assert table == (rows[0], ("Cake", "flour, eggs and honey"), *rows[2:])


def test_running_text_and_a_pair_are_no_table() -> None:
    assert found([line("a line of running text that goes on", 0, 40 * row, 350) for row in range(8)]) == []
    assert found(cells(*STOCK[:2])) == []
    assert tables([]) == []
