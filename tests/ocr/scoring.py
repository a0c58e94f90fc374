"""Answers of an engine → figures. Pure."""

import re
from collections.abc import Sequence

from engine.measure.accuracy.scoring import character_errors, evened, folded


def _letters(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum())


def characters_right(truth: str, read: str) -> float:
    """From 0 to 1."""
    wrong, expected = character_errors(truth, read)
    return max(0.0, 1 - wrong / expected)


def stands_in(answers: Sequence[str], text: str) -> bool:
    """Whether one of `answers` is in `text`.

    Of words only letters count. With figures every sign does, and 47 is not in 470.
    """
    plain = evened(text).lower()

    def found(answer: str) -> bool:
        letters = folded(answer).lower()
        if not any(letter.isdigit() for letter in letters):
            return _letters(letters) in _letters(plain)
        spaced = r"\s*".join(map(re.escape, letters))
        # Whitespace does not count, so a time may touch the date before it: only a bare number must end where it ends.
        before, after = r"(?<!\d)" * letters[0].isdigit(), r"(?!\d)" * letters.isdigit()
        return re.search(before + spaced + after, plain) is not None

    return any(map(found, answers))


def quotes(answer: str, most: int = 3) -> str:
    """The first quoted lines of an answer in Markdown; without quote and block, all of it."""
    lines = [line[1:].strip() for line in answer.splitlines() if line.startswith(">")]
    return "\n".join(lines[:most]) if lines or "```" in answer else answer
