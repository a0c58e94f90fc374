"""When a picture is turned and read again, and when the turned reading is kept."""

import pytest

from engine.reader.reading import rotation
from engine.reader.reading.rotation import Turn
from tests.unit.engine.reader.lines import line

UPRIGHT = [line("The quick brown fox", 0, 30 * i, 300) for i in range(4)]
SIDEWAYS = [line("The quick brown fox", 30 * i, 0, 20, 300) for i in range(4)]


def test_a_good_upright_page_is_not_turned() -> None:
    assert rotation.to_try(UPRIGHT) == []


def test_nothing_read_is_nothing_to_turn() -> None:
    assert rotation.to_try([]) == []


def test_tall_latin_lines_lie_on_their_side_however_sure() -> None:
    assert rotation.to_try(SIDEWAYS) == [Turn.LEFT, Turn.RIGHT]


def test_confident_tall_chinese_stays_upright() -> None:
    assert rotation.to_try([line("土地整治与土壤修复", 0, 0, 40, 400)]) == []


def test_unsure_tall_chinese_is_tried_both_ways() -> None:
    assert rotation.to_try([line("土地整治与土壤修复", 0, 0, 40, 400, score=0.6)]) == [Turn.LEFT, Turn.RIGHT]


def test_an_unsure_page_is_tried_upside_down() -> None:
    assert rotation.to_try([line("xoj umouq", 0, 0, 300, score=0.6)]) == [Turn.OVER]


@pytest.mark.parametrize(
    ("turned", "kept"),
    [
        (UPRIGHT, True),
        ([line("The quick brown fox", 0, 30 * i, 300, score=0.8) for i in range(4)], False),  # not sure
        ([line("fox", 0, 0, 60)], False),  # too little to go by
        (SIDEWAYS, False),  # still on its side
    ],
)
def test_a_turned_reading_must_be_sure_and_say_something(turned: list[rotation.Line], kept: bool) -> None:
    before = [line("qx1lz", 30 * i, 0, 20, 300, score=0.5) for i in range(4)]
    assert rotation.is_better(turned, before) is kept


def test_a_turned_reading_must_be_clearly_better() -> None:
    assert not rotation.is_better(UPRIGHT, UPRIGHT)


def test_a_page_on_its_side_is_turned_for_its_order_alone() -> None:
    assert rotation.is_better(UPRIGHT, SIDEWAYS)
