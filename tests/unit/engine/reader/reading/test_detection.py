"""Boxes at several sizes: what one look overlooks, another finds, and pieces of one line become one."""

from collections.abc import Callable

import numpy as np

from engine.reader.reading.detection import find_boxes
from engine.reader.reading.lines import Corners
from engine.reader.reading.prepare import Pixels
from tests.unit.engine.reader.lines import line

PHOTO = np.random.default_rng(1).integers(0, 255, (1000, 1200, 3), np.uint8)


def box(left: float, top: float, width: float, height: float) -> Corners:
    return line("", left, top, width, height).corners


class Scripted:
    """A detector that finds given boxes at each size, and notes at which it was asked."""

    def __init__(self, **found: list[Corners]) -> None:
        self.found = {1.0: found.get("full", []), 0.5: found.get("half", []), 0.25: found.get("quarter", [])}
        self.asked: list[float] = []

    def __call__(self, pixels: Pixels, size: float) -> list[Corners]:
        self.asked.append(size)
        return self.found[size]


def test_where_nothing_was_overlooked_no_more_is_tried() -> None:
    detect = Scripted(full=[box(100, 100, 300, 40)], quarter=[box(96, 96, 310, 50)])
    assert find_boxes(detect, PHOTO) == detect.found[1.0]
    assert detect.asked == [1.0, 0.25]


def test_what_only_the_coarse_look_sees_is_added_and_half_the_size_tried() -> None:
    detect = Scripted(full=[box(100, 100, 300, 40)], quarter=[box(500, 500, 400, 200)])
    assert find_boxes(detect, PHOTO) == [*detect.found[1.0], *detect.found[0.25]]
    assert detect.asked == [1.0, 0.25, 0.5]


def test_pieces_of_one_line_of_large_letters_become_one() -> None:
    detect = Scripted(full=[box(100, 100, 400, 200), box(520, 130, 180, 160)], quarter=[box(90, 90, 620, 220)])
    assert find_boxes(detect, PHOTO) == detect.found[0.25]


def test_lines_of_small_letters_are_not_joined_to_a_block() -> None:
    lines = [box(100, 100 + 50 * row, 600, 40) for row in range(4)]
    detect = Scripted(full=lines, quarter=[box(90, 90, 620, 220)])
    assert find_boxes(detect, PHOTO) == lines


def test_large_words_far_apart_stay_apart() -> None:
    words = [box(100, 100, 300, 120), box(700, 100, 300, 120)]
    assert find_boxes(Scripted(full=words, quarter=[box(95, 95, 910, 130)]), PHOTO) == words


def test_where_nothing_was_found_pieces_are_looked_at() -> None:
    def only_in_pieces(pixels: Pixels, size: float) -> list[Corners]:
        return [box(10, 10, 100, 30)] if pixels.shape[1] < 700 and size == 1 else []

    found = find_boxes(only_in_pieces, PHOTO)
    assert found[0] == box(10, 10, 100, 30)
    assert len(found) == 4
    assert max(corner[0] for corners in found for corner in corners) > 600


def test_boxes_of_a_part_stand_where_they_are_on_the_page() -> None:
    page = np.full((1000, 1200, 3), 255, np.uint8)
    page[800:830, 900:1000] = 0

    def at_ink(pixels: Pixels, size: float) -> list[Corners]:
        rows, columns = np.nonzero(pixels.min(axis=2) == 0)
        return [box(columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)]

    detect: Callable[[Pixels, float], list[Corners]] = at_ink
    assert find_boxes(detect, page) == [box(900, 800, 100, 30)]
