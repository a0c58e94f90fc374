"""Answers of an engine → figures. Pure."""

import re
import unicodedata
from collections.abc import Sequence

_SAME = str.maketrans("‘’“”—–", "''\"\"--")


def folded(text: str) -> str:
    """Without what does not count: whitespace, the width of letters, the shape of quotes and dashes."""
    return re.sub(r"\s+", "", _even(text))


def _even(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_SAME)


def _letters(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum())


def distance(a: str, b: str) -> int:
    """The least number of letters to add, remove or change (Levenshtein)."""
    previous = list(range(len(b) + 1))
    for row, x in enumerate(a, 1):
        current = [row]
        for column, y in enumerate(b, 1):
            current.append(min(previous[column] + 1, current[-1] + 1, previous[column - 1] + (x != y)))
        previous = current
    return previous[-1]


def characters_right(truth: str, read: str) -> float:
    """From 0 to 1."""
    expected = folded(truth)
    return max(0.0, 1 - distance(expected, folded(read)) / len(expected))


def stands_in(answers: Sequence[str], text: str) -> bool:
    """Whether one of `answers` stands in `text`.

    Of words only letters count. With figures every sign does, and 47 does not stand in 470.
    """
    plain = _even(text).lower()

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


def transcript(answer: str) -> str:
    """The text of the first fenced block; without one, all of it."""
    block = re.search(r"^(`{3,})[^\n]*\n(.*?)^\1", answer, re.DOTALL | re.MULTILINE)
    return block.group(2) if block else answer
