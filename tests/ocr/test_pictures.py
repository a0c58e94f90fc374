"""The test pictures are what they claim to be."""

import io
import random
from itertools import islice

import pytest
from PIL import Image

from tests.instruments.pictures.case import Sheet
from tests.instruments.pictures.collection import cases
from tests.instruments.pictures.weather import quarter_left, tilted


def test_a_seed_always_gives_the_same_pictures_and_another_seed_others() -> None:
    first, again, other = (list(islice(cases(seed), 4)) for seed in (7, 7, 8))
    assert first == again
    assert [case.data for case in first] != [case.data for case in other]


def test_a_third_of_the_pictures_holds_every_scene_in_both_languages_clean_and_weathered() -> None:
    names = [case.name.split("-") for case in cases(2, step=3)]
    assert {name[0] for name in names} == {
        "sign", "poster", "menu", "label", "till_receipt", "table", "timetable", "page", "columns", "card", "form",
        "ticket", "settings", "message", "chat", "log", "slide", "upright",
    }  # fmt: skip
    assert {(name[1], len(name) > 2) for name in names} == {("en", False), ("en", True), ("zh", False), ("zh", True)}


def test_every_answer_is_in_the_expected_text() -> None:
    for case in cases(3, step=3):
        Image.open(io.BytesIO(case.data)).verify()
        truth = case.transcript.replace("\n", " ")
        for question in case.questions:
            # A running text breaks its lines between words in English, anywhere in Chinese.
            assert any(answer in truth or answer in truth.replace(" ", "") for answer in question.answers), case.name


def test_a_scene_cannot_hide_its_own_words() -> None:
    sheet = Sheet(200, 100)
    sheet.write((10, 30), "here", 20)
    with pytest.raises(ValueError, match="overlaps another"):
        sheet.write((20, 35), "there", 20)
    with pytest.raises(ValueError, match="does not fit"):
        sheet.write((100, 80), "a long way to go", 20)


def test_lines_break_between_words_and_never_before_a_full_stop() -> None:
    sheet = Sheet(400, 400)
    assert sheet.wrapped("one two three", 20, 80) == ["one two", "three"]
    assert all(not line.startswith("。") for line in sheet.wrapped("春眠不觉晓处处闻啼鸟。", 20, 100))
    assert "".join(sheet.wrapped("春眠不觉晓处处闻啼鸟。", 20, 100)) == "春眠不觉晓处处闻啼鸟。"


def test_turning_keeps_every_pixel_and_tilting_every_corner() -> None:
    picture = Image.new("RGB", (60, 20), "white")
    picture.putpixel((59, 0), (255, 0, 0))
    assert quarter_left(picture, random.Random(1), 10).getpixel((0, 0)) == (255, 0, 0)
    turned = tilted(picture, random.Random(1), 10)
    assert turned.width > 60
    assert turned.height > 20
