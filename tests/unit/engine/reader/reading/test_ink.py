"""Ink is told from its ground, and writing from frames and textures."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine.reader.reading import ink
from engine.reader.reading.prepare import Pixels, pixels
from tests.instruments.pictures import font


def strip(text: str, ground: str = "white", colour: str = "black") -> Pixels:
    picture = Image.new("RGB", (400, 48), ground)
    ImageDraw.Draw(picture).text((20, 24), text, font=font(28), fill=colour, anchor="lm")
    return pixels(picture)


@pytest.mark.parametrize(("ground", "colour"), [("white", "black"), ("#202428", "#dddddd"), ("#a3201d", "white")])
def test_ink_is_what_differs_from_the_ground(ground: str, colour: str) -> None:
    marked = np.flatnonzero(ink.columns(strip("Tea", ground, colour)))
    assert 20 <= marked[0] <= 24
    assert 55 < marked[-1] < 80
    assert ink.is_writing(strip("Tea and cake", ground, colour))


@pytest.mark.parametrize("text", ["안녕하세요 여러분", "Съешь ещё", "三个汉字和更多的汉字"])
def test_any_script_is_writing(text: str) -> None:
    assert ink.is_writing(strip(text))


def test_frames_textures_and_nothing_are_no_writing() -> None:
    frame = strip("")
    frame[20:24] = 0
    noise = np.random.default_rng(1).integers(0, 255, (48, 400, 3), np.uint8)
    assert not ink.is_writing(frame)
    assert not ink.is_writing(noise)
    assert not ink.is_writing(strip(""))
    assert ink.columns(strip("")).sum() == 0
