"""Boxes over the gutter between two columns are cut there, and nowhere else."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from engine.reader.reading import gutters
from engine.reader.reading.lines import Corners, Line
from engine.reader.reading.prepare import Pixels
from tests.unit.engine.reader.lines import line, turned

HEIGHT, WIDTH = 30, 900


def strip(words: list[tuple[int, int]], height: int = HEIGHT) -> Pixels:
    """A line of white paper with a word, black, from each first column to each second one."""
    made = np.full((height, WIDTH, 3), 255, np.uint8)
    for start, end in words:
        made[8:-8, start:end] = 0
    return made


def sentence(rng: Random, start: int, end: int) -> list[tuple[int, int]]:
    """Words with spaces of 5 to 9 pixels from `start` to `end`."""
    words = []
    while end - start > 90:
        length = rng.randint(20, 70)
        words.append((start, start + length))
        start += length + rng.randint(5, 9)
    return [*words, (start, end)]


def box(row: int, height: int = HEIGHT, degrees: float = 0) -> Corners:
    return turned(line("", 0, 40 * row, WIDTH, height), degrees).corners


def columns(rows: int, gutter: int, rng: Random) -> list[Pixels]:
    middle = WIDTH // 2
    return [
        strip(sentence(rng, 6, middle - gutter // 2) + sentence(rng, middle + gutter // 2, WIDTH - 6))
        for _ in range(rows)
    ]


@pytest.mark.parametrize("gutter", [14, 20, 34])
@pytest.mark.parametrize("degrees", [0.0, 2.0, -2.0])
def test_lines_of_two_columns_are_cut_at_the_gutter(gutter: int, degrees: float) -> None:
    boxes = [box(row, degrees=degrees) for row in range(8)]
    found = gutters.split(boxes, columns(8, gutter, Random(1)))
    assert len(found) == 16
    for left, right in pairwise(found[:2]):
        assert Line("", 0, left).length + Line("", 0, right).length <= WIDTH
        assert Line("", 0, left).length == pytest.approx(WIDTH / 2, abs=gutter)


def test_running_text_is_left_whole() -> None:
    rng = Random(2)
    boxes = [box(row) for row in range(20)]
    assert gutters.split(boxes, [strip(sentence(rng, 6, WIDTH - 6)) for _ in boxes]) == boxes


def test_a_wide_space_in_one_line_is_no_gutter() -> None:
    rng = Random(3)
    crops = [strip(sentence(rng, 6, WIDTH - 6)) for _ in range(6)]
    crops[2] = columns(1, 30, rng)[0]
    boxes = [box(row) for row in range(6)]
    assert gutters.split(boxes, crops) == boxes


def test_one_line_over_the_gutter_is_cut_where_those_around_it_end_there() -> None:
    rng = Random(4)
    half = WIDTH // 2
    sides = [line("", left, 40 * row, half - 6, HEIGHT) for row in (0, 1, 3, 4) for left in (0, half + 6)]
    boxes = [box(2), *(side.corners for side in sides)]
    crops = [columns(1, 24, rng)[0], *(strip(sentence(rng, 3, half - 9))[:, : half - 6] for _ in sides)]
    assert len(gutters.split(boxes, crops)) == len(boxes) + 1


def test_a_heading_over_both_columns_stays_whole() -> None:
    rng = Random(5)
    heading = box(0, 70)
    boxes = [heading, *(box(row) for row in range(3, 10))]
    crops = [strip([(6, 440), (470, 890)], 70), *columns(7, 24, rng)]
    found = gutters.split(boxes, crops)
    assert found[0] == heading
    assert len(found) == 15


def test_a_heading_whose_words_stand_over_the_gutter_stays_whole() -> None:
    half = WIDTH // 2
    heading = box(0, 70)
    sides = [line("", left, 40 * row, half - 6, HEIGHT) for row in range(3, 8) for left in (0, half + 6)]
    crops = [strip([(6, 430), (470, 890)], 70), *(strip([(3, half - 9)])[:, : half - 6] for _ in sides)]
    boxes = [heading, *(side.corners for side in sides)]
    assert gutters.split(boxes, crops) == boxes


def test_nothing_gives_nothing() -> None:
    assert gutters.split([], []) == []
