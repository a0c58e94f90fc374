"""Scores answers against the expected ones; pure functions.

OCRBench and InfoVQA are scored as in VLMEvalKit, so that the figures are comparable with published ones.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

_SAME = str.maketrans("‘’“”—–", "''\"\"--")
_CJK = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])")
_FORMULAS = "Handwritten Mathematical Expression Recognition"
_ANLS_LEAST = 0.5
"""A similarity below this counts as 0."""


def evened(text: str) -> str:
    """The text with equal forms of letters (width), quotes and dashes unified."""
    return unicodedata.normalize("NFKC", text).translate(_SAME)


def folded(text: str) -> str:
    """The text `evened` and without white space."""
    return re.sub(r"\s+", "", evened(text))


def words(text: str) -> list[str]:
    """The words; each Chinese or Japanese character is one."""
    return _CJK.sub(r" \1 ", evened(text)).split()


def transcript(answer: str) -> str:
    """The text of the first fenced block, or all of it if there is none."""
    block = re.search(r"^(`{3,})[^\n]*\n(.*?)^\1", answer, re.DOTALL | re.MULTILINE)
    return block.group(2) if block else answer


def character_errors(expected: str, answer: str) -> tuple[int, int]:
    """(wrong characters, expected characters), ignoring white space."""
    truth = folded(expected)
    return Levenshtein.distance(truth, folded(transcript(answer))), len(truth)


def word_errors(expected: str, answer: str) -> tuple[int, int]:
    """(wrong words, expected words)."""
    truth = words(expected)
    return Levenshtein.distance(truth, words(transcript(answer))), len(truth)


def contained(expected: Sequence[str], answer: str, category: str) -> bool:
    """OCRBench's rule: the answer contains an expected text, ignoring case; in formulas, also ignoring white space."""
    if category == _FORMULAS:
        said = re.sub(r"[\n ]", "", answer.strip())
        return any(re.sub(r"[\n ]", "", one.strip()) in said for one in expected)
    said = answer.lower().strip().replace("\n", " ")
    return any(one.lower().strip().replace("\n", " ") in said for one in expected)


def anls(expected: Sequence[str], answer: str) -> float:
    """InfoVQA's rule, average normalised Levenshtein similarity: the best of the expected texts, 0 below a half."""

    def similarity(one: str) -> float:
        a, b = (" ".join(text.lower().split()) for text in (one, answer))
        return Levenshtein.normalized_similarity(a, b)

    best = max(map(similarity, expected), default=0.0)
    return best if best >= _ANLS_LEAST else 0.0
