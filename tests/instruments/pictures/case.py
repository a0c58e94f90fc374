"""A test picture with its text and the questions that can be asked about it."""

from dataclasses import dataclass, field
from typing import Literal

from PIL import Image, ImageDraw

from tests.instruments.pictures.fonts import Family, font

Language = Literal["en", "zh"]


@dataclass(frozen=True)
class Question:
    """A question and the strings of which any one answers it."""

    text: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """An encoded picture. `transcript` is all its text in the order in which people read it, a row of text a line."""

    name: str
    data: bytes
    media_type: str
    transcript: str
    questions: tuple[Question, ...]


@dataclass
class Sheet:
    """What a scene is drawn on. It notes each text it is given: a scene draws in the order in which people read."""

    width: int
    height: int
    ground: str = "white"
    ink: str = "black"
    family: Family = "cjk"
    rows: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    smallest: int = 1000
    """The size of the smallest letters, in pixels: below about 14 no one can read them."""

    def __post_init__(self) -> None:
        self._taken: list[tuple[float, float, float, float]] = []
        self.picture = Image.new("RGB", (self.width, self.height), self.ground)
        self.draw = ImageDraw.Draw(self.picture)

    def write(
        self,
        at: tuple[float, float],
        text: str,
        size: int,
        *,
        anchor: str = "lm",
        ink: str | None = None,
        family: Family | None = None,
        bold: int = 0,
        same_row: bool = False,
    ) -> float:
        """Writes `text`; returns its width in pixels. `same_row`: it is in the row of the text before it."""
        letters = font(size, family or self.family)
        ink = ink or self.ink
        self._take(self.draw.textbbox(at, text, font=letters, anchor=anchor, stroke_width=bold), text)
        self.draw.text(at, text, font=letters, fill=ink, anchor=anchor, stroke_width=bold, stroke_fill=ink)
        self.smallest = min(self.smallest, size)
        if same_row:
            self.rows[-1] += f" {text}"
        else:
            self.rows.append(text)
        return letters.getlength(text)

    def _take(self, box: tuple[float, float, float, float], text: str) -> None:
        # A scene that covers its own text would make the expected text wrong.
        left, top, right, bottom = box
        if left < 0 or top < 0 or right > self.width or bottom > self.height:
            raise ValueError(f"{text!r} does not fit on the sheet")
        if any(left < x1 and x0 < right and top < y1 and y0 < bottom for x0, y0, x1, y1 in self._taken):
            raise ValueError(f"{text!r} overlaps another text")
        self._taken.append(box)

    def paragraph(self, at: tuple[float, float], text: str, size: int, width: float, leading: float = 1.5) -> float:
        """Writes `text` in lines of at most `width` pixels; returns where the next line would be, in pixels."""
        x, y = at
        for line in self.wrapped(text, size, width):
            self.write((x, y), line, size)
            y += size * leading
        return y

    def wrapped(self, text: str, size: int, width: float) -> list[str]:
        """`text` in lines of at most `width` pixels; Chinese breaks anywhere but before a punctuation mark."""
        letters = font(size, self.family)
        words = text.split(" ") if text.isascii() else list(text)
        space = " " if text.isascii() else ""
        lines = [""]
        for word in words:
            longer = f"{lines[-1]}{space}{word}" if lines[-1] else word
            if not lines[-1] or letters.getlength(longer) <= width or word in "，。、；：！？）":
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def ask(self, text: str, *answers: str) -> None:
        """Notes a question about what was drawn."""
        self.questions.append(Question(text, answers))

    @property
    def transcript(self) -> str:
        """All that was written."""
        return "\n".join(self.rows)
