"""Whether a picture lies on its side or upside down, seen from what was read in it."""

from enum import IntEnum

from engine.reader.reading.lines import Line, confidence

# A reading that is sure of its letters is upright: upside down, the recogniser's mean confidence stays far below this.
SURE = 0.85
# Fewer characters are no evidence: noise turned by chance into a short word would turn the picture.
_EVIDENCE = 6
# A turned reading must be clearly better, not better by chance. A page on its side is another matter: the recogniser
# turns tall boxes itself and may have read them as well; turned, they only come in their order.
_CLEARLY = 1.1
_AS_GOOD = 0.95
_MOSTLY = 0.6


class Turn(IntEnum):
    """A quarter turn of the picture, in degrees counter-clockwise."""

    NONE = 0
    LEFT = 90
    OVER = 180
    RIGHT = 270


def is_cjk(letter: str) -> bool:
    """Whether `letter` is Chinese or Japanese script."""
    return "\u3040" <= letter <= "\u30ff" or "\u3400" <= letter <= "\u9fff" or "\uf900" <= letter <= "\ufaff"


def cjk_share(text: str) -> float:
    """Return which share of the letters and digits in `text` is CJK, 0 to 1."""
    letters = [letter for letter in text if letter.isalnum()]
    return sum(map(is_cjk, letters)) / len(letters) if letters else 0.0


def is_tall(line: Line) -> bool:
    """Whether the box of `line` is upright like a column; the recogniser turns just these before it reads them."""
    return line.height >= 1.5 * line.length


def tall_share(lines: list[Line]) -> float:
    """Return the share of the characters that are in tall boxes, 0 to 1."""
    letters = sum(len(line.text) for line in lines)
    return sum(len(line.text) for line in lines if is_tall(line)) / letters if letters else 0.0


def to_try(lines: list[Line]) -> list[Turn]:
    """Return the turns that may read better than `lines`, a reading of the picture as it is; mostly none.

    Tall boxes with Latin text are a page on its side; tall boxes with CJK may be columns, which are read as they are.
    """
    if not any(line.text for line in lines):
        return []
    unsure = confidence(lines) < SURE
    if tall_share(lines) > _MOSTLY:
        latin = cjk_share("".join(line.text for line in lines)) < 0.5
        return [Turn.LEFT, Turn.RIGHT] if latin or unsure else []
    return [Turn.OVER] if unsure else []


def score(lines: list[Line]) -> float:
    """Return how much was read, and how surely: Σ length × confidence²."""
    return sum(len(line.text) * line.score**2 for line in lines)


def is_better(turned: list[Line], before: list[Line]) -> bool:
    """Whether the reading of the turned picture is to be kept instead of the one before."""
    return (
        confidence(turned) >= SURE
        and sum(len(line.text) for line in turned) >= _EVIDENCE
        and tall_share(turned) <= 0.5
        and score(turned) >= (_AS_GOOD if tall_share(before) > _MOSTLY else _CLEARLY) * score(before)
    )
