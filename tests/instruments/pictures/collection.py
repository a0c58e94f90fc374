"""The test pictures of the reader: each scene in each language, clean and degraded, drawn at random from a seed."""

import io
import random
from collections.abc import Callable, Iterator
from random import Random

from PIL import Image

from tests.instruments.pictures import papers, screens, streets, weather
from tests.instruments.pictures.case import Case, Language, Sheet
from tests.instruments.pictures.weather import Weather

Scene = Callable[[Random, Language], Sheet]

_LANGUAGES: tuple[Language, ...] = ("en", "zh")
# What can happen to a thing in front of a camera, on a scanner, and to a screenshot.
_OUTDOORS: tuple[Weather, ...] = (
    weather.tilted, weather.from_the_side, weather.at_night, weather.grainy, weather.blurred, weather.small,
    weather.pressed, weather.shaded, weather.on_a_wall,
)  # fmt: skip
_PAPER: tuple[Weather, ...] = (
    weather.quarter_left, weather.quarter_right, weather.upside_down, weather.tilted, weather.from_the_side,
    weather.grainy, weather.small, weather.pressed, weather.shaded, weather.black_and_white,
)  # fmt: skip
_SCREEN: tuple[Weather, ...] = (weather.small, weather.pressed)
_SCENES: tuple[tuple[Scene, tuple[Weather, ...]], ...] = (
    (streets.sign, _OUTDOORS), (streets.poster, _OUTDOORS), (streets.menu, _OUTDOORS), (streets.label, _OUTDOORS),
    (papers.till_receipt, _PAPER), (papers.table, _PAPER), (papers.timetable, _OUTDOORS), (papers.page, _PAPER),
    (papers.columns, _PAPER), (papers.card, _PAPER), (papers.form, _PAPER), (papers.ticket, _PAPER),
    (screens.settings, _SCREEN), (screens.message, _SCREEN), (screens.chat, _SCREEN), (screens.log, _SCREEN),
    (screens.slide, _SCREEN),
)  # fmt: skip


def cases(seed: int, step: int = 1) -> Iterator[Case]:
    """Some 70 pictures. The same seed gives the same pictures, another one gives others of the same kinds.

    With a step of 3, a third of them: each scene still comes, and each language, clean and weathered.
    """
    plans = [
        (scene, language, weathers)
        for scene, around in _SCENES
        for language in _LANGUAGES
        for weathers in (None, around)
    ]  # fmt: skip
    plans += [(streets.upright, "zh", None), (streets.upright, "zh", _OUTDOORS)]
    for scene, language, weathers in plans[::step]:
        yield _case(seed, scene, language, weathers)


def _case(seed: int, scene: Scene, language: Language, around: tuple[Weather, ...] | None) -> Case:
    # A seed of its own: a new scene must not change the pictures of the others.
    rng = random.Random(f"{seed} {scene.__name__} {language} {around is None}")
    sheet = scene(rng, language)
    picture, name = sheet.picture, f"{scene.__name__}-{language}"
    if around:
        effect = rng.choice(around)
        picture, name = effect(picture, rng, sheet.smallest), f"{name}-{effect.__name__}"
    data, media_type = _encoded(picture, rng)
    return Case(name, data, media_type, sheet.transcript, tuple(sheet.questions))


def _encoded(picture: Image.Image, rng: Random) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    kind = rng.choice(["PNG", "PNG", "JPEG", "WEBP"])
    picture.save(buffer, kind, **({} if kind == "PNG" else {"quality": 88}))
    return buffer.getvalue(), f"image/{kind.lower()}"
