"""What the recogniser thinks of each step along a line → its text, and where the ink says that it is not all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

# The steps between letters are mostly blank. Between small letters the recogniser often thinks of a space there, but
# not enough of it; a space that is this likely, between two Latin letters or figures, is one.
_SPACE = 0.3
# A stretch of ink without a letter that is this long, in heights of the strip, is a word of a script that it has not.
_UNREAD = 2.5
# A mark before the first letter that is an inverted exclamation mark is narrow, in heights of the strip.
_NARROW = 0.25


@dataclass(frozen=True)
class Decoded:
    """The text of a strip, its mean confidence per character (0 to 1), and the letters' places as shares of its width.

    Spaces that were put in have no place of their own.
    """

    text: str
    score: float
    places: NDArray[np.float64]


def decode(likely: NDArray[np.float32], alphabet: Sequence[str]) -> Decoded:
    """Return what `likely` says, which is (steps, letters): how likely each letter of `alphabet` is at each step.

    The first letter is the blank of CTC, the last one the space.
    """
    best = likely.argmax(axis=1)
    starts = np.flatnonzero((best != 0) & (best != np.concatenate(([0], best[:-1]))))
    letters = [alphabet[index] for index in best[starts]]
    text = "".join(letters[:1])
    for before, at, letter in zip(starts, starts[1:], letters[1:], strict=False):
        between = likely[before + 1 : at, -1]
        if _joins(text[-1]) and _joins(letter) and between.max(initial=0.0) >= _SPACE:
            text += " "
        text += letter
    score = float(likely.max(axis=1)[starts].mean()) if letters else 0.0
    seen = np.array([letter != " " for letter in letters], bool)
    return Decoded(text, score, (starts[seen] + 0.5) / len(likely))


def _joins(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()


def misses_ink(decoded: Decoded, ink: NDArray[np.bool_], height: int) -> bool:
    """Whether a long stretch of a strip has ink and no letter; `ink` is for each column, `height` the strip's."""
    edges = np.concatenate(([0], decoded.places * len(ink), [len(ink)])).astype(int)
    return any(
        after - before > _UNREAD * height and ink[before:after].mean() > 0.4 for before, after in pairwise(edges)
    )


def with_inverted_mark(text: str, ink: NDArray[np.bool_], height: int) -> str:
    """Return a Spanish exclamation with the mark at its beginning, which the recogniser does not know: "¡"."""
    if "!" not in text or not text[:1].isupper() or text[0] in "IJLT":
        return text
    marked = np.flatnonzero(ink)
    gaps = np.flatnonzero(np.diff(marked) > 1)
    narrow = len(gaps) > 0 and marked[gaps[0]] - marked[0] < _NARROW * height * 0.6
    return f"¡{text}" if narrow else text
