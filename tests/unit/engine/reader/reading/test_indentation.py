"""Code keeps its indentation; running text gets none."""

from dataclasses import replace

import pytest

from engine.reader.reading.indentation import indents
from engine.reader.reading.lines import Line
from tests.unit.engine.reader.lines import line

CODE = """services:
  page:
    image: kimi/page
    ports:
      - 8000:8000
  engine:
    image: kimi/engine"""


def drawn(text: str, letter: float = 12, shift: float = 0) -> list[list[Line]]:
    """`text` in letters of one width, each box five pixels wider than its ink on either side."""
    rows = []
    for number, row in enumerate(text.splitlines()):
        words = row.strip()
        left, length = (
            50 + letter * (len(row) - len(words)) + shift * letter * (number % 3),
            letter * (len(words) - 0.4),
        )
        rows.append([replace(line(words, left - 5, 30 * number, length + 10), ink=(5.0, 5.0 + length))])
    return rows


@pytest.mark.parametrize("letter", [7.2, 12, 20])
@pytest.mark.parametrize("shift", [0, 0.1])
def test_code_is_indented_as_it_was(letter: float, shift: float) -> None:
    assert indents(drawn(CODE, letter, shift)) == [0, 2, 4, 4, 6, 2, 4]


def test_letters_of_different_widths_are_no_code() -> None:
    rows = drawn(CODE)
    uneven = [
        [replace(row[0], ink=(5.0, 5.0 + len(row[0].text) * (8 + 3 * (number % 3))))] for number, row in enumerate(rows)
    ]
    assert indents(uneven) == [0] * len(rows)


def test_what_stands_at_one_edge_is_not_indented() -> None:
    assert indents(drawn("first line\nsecond line\nthird line of it")) == [0, 0, 0]
    assert indents([]) == []
