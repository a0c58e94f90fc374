"""Where two texts differ, word by word."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import NamedTuple

MOST_WORDS = 3000
"""Longer texts are compared line by line: the time grows with the square of what is compared."""
_HAN = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"\A\s*|(?:[{_HAN}]|\d+(?:[.,:]\d+)*|[^\W{_HAN}]+|\S)\s*")
"""A Chinese character, a number, a word or a mark, each with the white space after it; first what precedes them."""
_LINE = re.compile(r".*\n?")


class Stretch(NamedTuple):
    """A part of a text; `differs`: the other text has something else there, or nothing."""

    text: str
    differs: bool


class Differences(NamedTuple):
    """Two texts in stretches, and the number of places where they differ."""

    first: list[Stretch]
    second: list[Stretch]
    places: int


def differences(first: str, second: str) -> Differences:
    """Compares two texts; those that are too long even in lines differ as a whole."""
    for unit in (_WORD, _LINE):
        words, others = unit.findall(first), unit.findall(second)
        if max(len(words), len(others)) <= MOST_WORDS:
            return _compared(words, others)
    differs = first != second
    return Differences([Stretch(first, differs)], [Stretch(second, differs)], int(differs))


def _compared(words: list[str], others: list[str]) -> Differences:
    found = Differences([], [], 0)
    # White space alone, such as a line that is broken elsewhere, is no difference.
    matcher = SequenceMatcher(None, [word.strip() for word in words], [word.strip() for word in others])
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        found = found._replace(places=found.places + (kind != "equal"))
        for side, piece in ((found.first, words[start:end]), (found.second, others[other_start:other_end])):
            if text := "".join(piece):
                side.append(Stretch(text, kind != "equal"))
    return found
