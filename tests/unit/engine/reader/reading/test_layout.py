"""Reading order: rows, skew, columns, upright Chinese."""

import random

import pytest

from engine.reader.reading import layout
from engine.reader.reading.lines import Line
from tests.unit.engine.reader.lines import line, turned


def texts(lines: list[Line]) -> list[str]:
    shuffled = random.Random(1).sample(lines, len(lines))
    return [" ".join(part.text for part in row) for row in layout.rows(shuffled)]


def table() -> list[Line]:
    return [
        line(f"{column}{row}", left, 30 * row, 60)
        for row in range(4)
        for column, left in (("a", 10), ("b", 200), ("c", 420))
    ]


def test_nothing_gives_nothing() -> None:
    assert layout.rows([]) == []


def test_the_cells_of_a_table_stay_in_their_rows() -> None:
    assert texts(table()) == ["a0 b0 c0", "a1 b1 c1", "a2 b2 c2", "a3 b3 c3"]


@pytest.mark.parametrize("degrees", [-20, -4, 4, 20, 35])
def test_a_skewed_table_is_read_as_a_level_one(degrees: float) -> None:
    assert texts([turned(cell, degrees) for cell in table()]) == ["a0 b0 c0", "a1 b1 c1", "a2 b2 c2", "a3 b3 c3"]


def test_a_heading_is_no_cell_of_the_small_print_beside_it() -> None:
    lines = [line("SALE", 0, 0, 200, 80), line("until", 220, 5, 60, 18), line("Sunday", 220, 55, 60, 18)]
    assert texts(lines) == ["until", "SALE", "Sunday"]


def test_a_row_that_bends_is_followed_from_neighbour_to_neighbour() -> None:
    lines = [line(str(i), 100 * i, 8 * i, 80) for i in range(5)] + [line("below", 0, 30, 80)]
    assert texts(lines)[0] == "0 1 2 3 4"


def column(name: str, left: float, top: float = 0, count: int = 8, offset: float = 0) -> list[Line]:
    return [line(f"{name}{i} and a line of running text", left, top + 30 * i + offset, 300) for i in range(count)]


def test_columns_of_running_text_are_read_one_after_the_other() -> None:
    left, right = column("l", 0), column("r", 340)
    assert texts(left + right) == [part.text for part in left + right]


def test_three_columns_are_cut_twice() -> None:
    parts = column("a", 0) + column("b", 340, offset=7) + column("c", 680)
    assert texts(parts) == [part.text for part in parts]


def test_a_heading_across_columns_parts_what_is_above_from_what_is_below() -> None:
    upper, lower = column("u", 0), column("v", 340)
    heading = line("a heading across both of the columns", 100, 270, 440, 28)
    below = column("x", 0, top=330), column("y", 340, top=330)
    expected = [*upper, *lower, heading, *below[0], *below[1]]
    assert texts(expected) == [part.text for part in expected]


def test_short_cells_are_no_columns_of_text() -> None:
    lines = [line(f"{name}{i}", left, 30 * i, 90) for i in range(8) for name, left in (("k", 0), ("v", 340))]
    assert texts(lines)[0] == "k0 v0"


def test_upright_chinese_is_read_from_right_to_left() -> None:
    columns = [
        line(text, left, 0, 40, 300) for text, left in (("床前明月光", 200), ("疑是地上霜", 100), ("举头望明月", 0))
    ]
    assert texts(columns) == ["床前明月光", "疑是地上霜", "举头望明月"]


def test_a_level_heading_comes_before_the_columns_below_it() -> None:
    columns = [line("床前明月光照", 200, 60, 40, 300), line("疑是地上霜也", 100, 60, 40, 300)]
    assert texts([line("静夜思", 0, 0, 240, 40), *columns]) == ["静夜思", "床前明月光照", "疑是地上霜也"]


def test_two_boxes_of_one_upright_column_stay_together() -> None:
    columns = [line("下联在左", 0, 0, 40, 300), line("上联", 100, 0, 40, 140), line("在右", 102, 160, 40, 140)]
    assert texts(columns) == ["上联 在右", "下联在左"]


def test_tall_latin_text_is_not_upright_chinese() -> None:
    assert texts([line("left", 0, 0, 20, 100), line("right", 100, 0, 20, 100)]) == ["left right"]


@pytest.mark.parametrize("degrees", [0.3, 50])
def test_a_negligible_or_impossible_skew_is_ignored(degrees: float) -> None:
    assert layout.skew([turned(line("a long line of text", 0, 0, 300), degrees)]) == 0


def test_the_skew_is_that_of_most_text_not_of_most_boxes() -> None:
    lines = [turned(line("x", 0, 30 * i, 50), 20) for i in range(3)] + [turned(line("long", 0, 200, 500), 5)]
    assert layout.skew(lines) == pytest.approx(5)
