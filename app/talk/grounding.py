"""Finds the boxes and points that a model names in its answer.

Kimi-VL gives coordinates as shares of the picture: `{"bbox_2d": [0.28, 0.5, 0.52, 0.7], "label": "cup"}` for things,
`pyautogui.click(x=0.879, y=0.294)` for controls. Other models count thousandths in `<box>`, or pixels.

Sources: https://github.com/MoonshotAI/Kimi-VL/issues/52 and https://github.com/MoonshotAI/Kimi-VL/issues/56
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.talk.places import LONGEST_LABEL, Place, box

MOST_FOUND = 100
_LONGEST_TEXT = 100_000
"""Characters of an answer that are searched."""
_AROUND = 300
"""Characters of an object, or of a line, before and after a box that may hold its label."""

Size = tuple[int, int]
"""Width and height in pixels."""
Scale = Callable[[float, int], float]
"""From a coordinate, and the picture's size in its direction, to a share."""

_NUMBER = r"-?\d{1,5}(?:\.\d{1,12})?"
_SHARE = r"(?:0?\.\d{1,12}|0|1(?:\.0{1,12})?)"
_JSON = re.compile(rf'"(?:bbox_2d|bbox|box|point_2d|point)"\s*:\s*\[\s*({_NUMBER}(?:\s*,\s*{_NUMBER}){{1,3}})\s*\]')
_LABEL = re.compile(r'"(?:label|name|text|element|description)"\s*:\s*("(?:[^"\\\n]|\\.){0,300}")')
_ACTION = re.compile(
    rf"\b((?:double|right|left|middle|triple)?_?click|tap|move_?to|drag_?to)"
    rf"\(\s*x\s*=\s*({_NUMBER})\s*,\s*y\s*=\s*({_NUMBER})\s*[,)]",
    re.IGNORECASE,
)
_TAG = re.compile(r"(?:<ref>([^<>]{1,300})</ref>\s*)?<(box|point)>([^<>]{1,300})</\2>", re.IGNORECASE)
_BARE = re.compile(rf"\[\s*({_SHARE}(?:\s*,\s*{_SHARE}){{3}})\s*\]")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[^\S\n]*([\w+-]*)")
_PLAIN = {"", "json", "text", "markdown"}
"""Languages of code blocks in which a list of four numbers is a box: in a program it is data."""
_NAMED = re.compile(
    r"\b(?:picture|image|photo|screenshot)\s{0,3}(?:no\.?|#)?\s{0,3}(\d{1,3})\b|图(?:片|像)?\s{0,3}(\d{1,3})"
    r"|第\s{0,3}(\d{1,3})\s{0,3}[张幅]",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"[*_`#>|]+|^\s*(?:[-+•]|\d+[.)])\s+")


@dataclass(frozen=True)
class _Found:
    """Coordinates as written, and how they count where they are no shares."""

    start: int
    end: int
    values: tuple[float, ...]
    label: str
    scale: Scale | None


def find(text: str, pictures: Sequence[Size]) -> list[tuple[int, Place]]:
    """The places that `text` names, in its order, each with the index of its picture in `pictures`.

    It is the last picture that the text has named by its number, or else the last of all. Coordinates outside of the
    picture are left out.
    """
    return list(_find(text[:_LONGEST_TEXT], tuple(pictures))) if pictures else []


@lru_cache(maxsize=64)
def _find(text: str, pictures: tuple[Size, ...]) -> tuple[tuple[int, Place], ...]:
    named = [(match.start(), int(next(filter(None, match.groups()))) - 1) for match in _NAMED.finditer(text)]
    named = [(start, number) for start, number in named if 0 <= number < len(pictures)]
    places: dict[tuple[int, Place], None] = {}
    for found in sorted(_all(text), key=lambda one: one.start):
        before = bisect_right(named, (found.start, 0)) - 1
        at = named[before][1] if before >= 0 else len(pictures) - 1
        if place := _place(found, pictures[at]):
            places[at, place] = None
        if len(places) == MOST_FOUND:
            break
    return tuple(places)


def _all(text: str) -> Iterator[_Found]:
    explicit = [*_objects(text), *_actions(text), *_tags(text)]
    yield from explicit
    taken = _united([*((found.start, found.end) for found in explicit), *_programs(text)])
    for match in _BARE.finditer(text):
        before = bisect_right(taken, (match.start(), len(text))) - 1
        inside = before >= 0 and match.start() < taken[before][1]
        # A list without fractions is rather one of flags.
        if "." in match[1] and not inside:
            yield _Found(match.start(), match.end(), _values(match[1]), _words_before(text, match.start()), None)


def _united(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same stretches of the text, in order and without overlaps."""
    united: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if united and start <= united[-1][1]:
            united[-1] = united[-1][0], max(end, united[-1][1])
        else:
            united.append((start, end))
    return united


def _programs(text: str) -> Iterator[tuple[int, int]]:
    """Where the code blocks in a programming language begin and end."""
    at, begun, fence = 0, -1, ""
    for line in text.splitlines(keepends=True):
        if fence:
            if line.strip().startswith(fence):
                yield begun, at
                fence = ""
        elif (opening := _FENCE.match(line)) and opening[2].lower() not in _PLAIN:
            begun, fence = at, opening[1]
        at += len(line)
    if fence:
        yield begun, at


def _objects(text: str) -> Iterator[_Found]:
    for match in _JSON.finditer(text):
        begin = text.rfind("{", max(0, match.start() - _AROUND), match.start()) + 1
        end = text.find("}", match.end(), match.end() + _AROUND)
        around = text[begin : end if end >= 0 else match.end()] if begin else ""
        label = _LABEL.search(around)
        yield _Found(match.start(), match.end(), _values(match[1]), _unescaped(label[1]) if label else "", _pixels)


def _actions(text: str) -> Iterator[_Found]:
    for match in _ACTION.finditer(text):
        yield _Found(match.start(), match.end(), (float(match[2]), float(match[3])), match[1], _pixels)


def _tags(text: str) -> Iterator[_Found]:
    for match in _TAG.finditer(text):
        values = _values(match[3])
        size = 4 if match[2].lower() == "box" else 2
        for at in range(0, len(values) - len(values) % size, size):
            label = (match[1] or "").strip()
            yield _Found(match.start(), match.end(), values[at : at + size], label, _thousandths)


def _pixels(value: float, size: int) -> float:
    return value / size


def _thousandths(value: float, size: int) -> float:
    return value / 1000


def _place(found: _Found, size: Size) -> Place | None:
    values = found.values
    if any(value > 1 for value in values):
        if found.scale is None:
            return None
        values = tuple(found.scale(value, size[n % 2]) for n, value in enumerate(values))
    if not all(0 <= value <= 1 for value in values):
        return None
    label = found.label[:LONGEST_LABEL]
    match values:
        case (x, y):
            return Place(label, (x, y))
        case (left, top, right, bottom) if left < right and top < bottom:
            return Place(label, box(left, top, right, bottom))
    return None


def _values(words: str) -> tuple[float, ...]:
    return tuple(float(number) for number in re.findall(r"-?(?:\d+(?:\.\d+)?|\.\d+)", words))


def _unescaped(quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:
        return quoted.strip('"')


def _words_before(text: str, at: int) -> str:
    """What is on the same line before a box, without markup."""
    begin = max(text.rfind("\n", 0, at) + 1, text.rfind("]", 0, at) + 1, at - _AROUND)
    return " ".join(_MARKUP.sub(" ", text[begin:at]).split()).strip(" :：,，;；=[(（-–—")
