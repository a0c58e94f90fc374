"""Reading one picture from bytes to ordered lines; runs in the worker's thread."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from engine.reader import layout, pictures, prepare
from engine.reader.lines import Line, confidence
from engine.reader.prepare import Pixels

# Told at each step, with the name of the text and its values; what it raises stops the reading.
Tell = Callable[..., None]


class Recogniser(Protocol):
    """What finds and reads lines: `engine.reader.recogniser.Recogniser`, which loads slowly, or a test's own."""

    def read(self, pixels: Pixels, progress: Callable[[int, int], None]) -> list[Line]:
        """Return the lines in `pixels`; tells (done, found) as it goes on."""


# Below this the letters are guesses; the library's own limit.
_LEAST_SCORE = 0.5


@dataclass(frozen=True)
class Reading:
    """What stands in a picture: `rows` of lines in reading order, and the size in pixels that was read.

    `seconds_over` is the time limit, where the reading ran into it.
    """

    rows: tuple[tuple[Line, ...], ...]
    size: tuple[int, int]
    seconds_over: float = 0.0

    @property
    def lines(self) -> list[Line]:
        """All lines in reading order."""
        return [line for row in self.rows for line in row]

    @property
    def confidence(self) -> float:
        """Mean confidence per character, 0 to 1."""
        return confidence(self.lines)

    @property
    def texts(self) -> list[str]:
        """The text of each row."""
        return [" ".join(line.text for line in row) for row in self.rows]


def read(recogniser: Recogniser, data: bytes, tell: Tell) -> Reading:
    """Read the encoded picture `data`."""
    with pictures.opened(data) as picture:
        image = prepare.prepare(picture)
    height, width = image.shape[:2]
    tell("picture", width=width, height=height)
    found = recogniser.read(image, lambda done, total: tell("lines", done=done, total=total))
    lines = [
        replace(line, text=unicodedata.normalize("NFKC", line.text).strip())
        for line in found
        if line.score >= _LEAST_SCORE
    ]
    tell("read", lines=len(lines), confidence=confidence(lines))
    return Reading(tuple(tuple(row) for row in layout.rows(lines)), (width, height))
