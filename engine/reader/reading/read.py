"""Reading one picture from bytes to ordered rows; runs in the worker's thread."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np

from engine.formats.text_layer import unpack
from engine.reader.reading import indentation, layer, layout, pictures, prepare, rotation
from engine.reader.reading.lines import LEAST_SCORE, Line, confidence
from engine.reader.reading.places import Frame, Place
from engine.reader.reading.prepare import Pixels
from engine.reader.reading.tables import Table, tables

Tell = Callable[..., None]
"""Told at each step, with the name of its text in `texts` and the values in it; what it raises stops the reading."""

# Marks of a list, which are apart from their lines.
_BULLETS = frozenset("●•·∙‧◦▪")
# A script that looks like Latin is read as Latin, without much confidence: what is badly printed is above this.
_GUESSED = 0.82
# The recogniser knows Greek letters from formulas, not those with accents: of a word it reads some. Such words hold so
# much of a Greek text, and no more than this of a page of formulas.
_GREEK = 0.3
_GREEK_WORD = re.compile(r"(?=[^\W\d_]*[α-ωΑ-Ω][^\W\d_]*[α-ωΑ-Ω]|[^\W\d_]{2,}[α-ωΑ-Ω][^\W\d_])[^\W\d_]{3,}")


class Recogniser(Protocol):
    """What finds and reads lines: `recogniser.Recogniser`, which loads slowly, or a test's own."""

    def read(self, pixels: Pixels, progress: Callable[[int, int], None]) -> list[Line]:
        """Return the lines in `pixels`; reports (done, found) as it goes on."""


@dataclass(frozen=True)
class Row:
    """Lines that are beside each other, as one text; `height` is that of the largest letters, in pixels.

    `indent` is by how many spaces a line of code is indented.
    """

    text: str
    height: float
    indent: int = 0

    @property
    def indented(self) -> str:
        """The text with the spaces before it."""
        return " " * self.indent + self.text


@dataclass(frozen=True)
class Reading:
    """What is in a picture: `rows` in reading order, the `tables` among them, and the `places` of their lines.

    `confidence` is the mean per character of all that the recogniser saw, 0 to 1, and `lines` how many lines were kept;
    `unread` is the number of lines that were seen but not understood, or not wholly; `seconds_over` the time limit,
    where it was hit.
    """

    rows: tuple[Row, ...] = ()
    tables: tuple[Table, ...] = ()
    places: tuple[Place, ...] = ()
    lines: int = 0
    confidence: float = 0.0
    unread: int = 0
    seconds_over: float = 0.0

    @property
    def texts(self) -> list[str]:
        """The text of each row."""
        return [row.text for row in self.rows]

    @property
    def foreign(self) -> bool:
        """Whether what was seen is mostly in a script that the recogniser does not know, or is no script at all."""
        mostly_unread = self.unread > 0 and self.unread >= self.lines / 2
        return mostly_unread or (self.lines > 0 and self.confidence < _GUESSED) or self._greek

    @property
    def _greek(self) -> bool:
        text = "\n".join(self.texts)
        letters = sum(letter.isalpha() for letter in text)
        return sum(map(len, _GREEK_WORD.findall(text))) > _GREEK * letters


def read(recogniser: Recogniser, data: bytes, tell: Tell) -> Reading:
    """Read the encoded picture `data`."""
    with pictures.opened(data) as picture:
        width, height = picture.size
        runs = unpack(picture.info)
        image, border = prepare.prepare(picture)
    tell("picture", width=width, height=height)
    found, upright, turn = _in_its_best_turn(recogniser, image, tell)
    found = [line for line in found if line.text not in _BULLETS]
    if runs and upright is image:
        found = layer.corrected(found, runs, image.shape[1], image.shape[0])
    lines = [line for line in found if line.text and line.score >= LEAST_SCORE]
    rows = layout.rows(lines)
    indents = indentation.indents(rows)
    frame = Frame(upright.shape[1], upright.shape[0], border, turn)
    reading = Reading(
        rows=tuple(_row(row, indent) for row, indent in zip(rows, indents, strict=True)),
        tables=tuple(tables(rows, upright)),
        places=tuple(frame.place(line) for row in rows for line in row),
        lines=len(lines),
        confidence=confidence(found),
        unread=sum(line.partly for line in found),
    )
    tell("read", lines=reading.lines, confidence=reading.confidence)
    return reading


def _in_its_best_turn(recogniser: Recogniser, image: Pixels, tell: Tell) -> tuple[list[Line], Pixels, int]:
    """Return the lines of the picture as it reads best, the picture turned in that way, and its turn in degrees."""
    best = _lines(recogniser, image, tell)
    for turn in rotation.to_try(best):
        tell("turned", degrees=int(turn))
        turned = np.ascontiguousarray(np.rot90(image, turn // 90))
        lines = _lines(recogniser, turned, tell)
        if rotation.is_better(lines, best):
            tell("turn_kept", degrees=int(turn), confidence=confidence(lines))
            return lines, turned, int(turn)
    return best, image, 0


def _lines(recogniser: Recogniser, image: Pixels, tell: Tell) -> list[Line]:
    found = recogniser.read(image, lambda done, total: tell("lines" if done else "found", done=done, total=total))
    return [replace(line, text=unicodedata.normalize("NFKC", line.text).strip()) for line in found]


def _row(lines: list[Line], indent: int) -> Row:
    text = lines[0].text
    for before, line in pairwise(lines):
        gap = max(line.left - before.right, line.top - before.bottom)
        together = gap < 0.5 * line.height and rotation.is_cjk(text[-1]) and rotation.is_cjk(line.text[0])
        text += ("" if together else " ") + line.text
    return Row(text, max(min(line.length, line.height) for line in lines), indent)
