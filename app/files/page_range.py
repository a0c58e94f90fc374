"""The pages of a document that a question names: "pages 21–40", "p. 7", "第21到40页"."""

from __future__ import annotations

import re
from dataclasses import dataclass

_GAP = r"\s{0,3}"
"""Bounded: where two unbounded stretches of white space meet, the search takes quadratic time."""
_DASH = rf"{_GAP}(?:[-–—~～]|to|and|到|至){_GAP}"
_NAMED = re.compile(
    rf"\b(?:pages?|pp?\.){_GAP}(?P<first>\d{{1,5}})(?:{_DASH}(?P<last>\d{{1,5}}))?(?!\d)"
    rf"|第{_GAP}(?P<from>\d{{1,5}}){_GAP}(?:页?{_DASH}第?{_GAP}(?P<to>\d{{1,5}}){_GAP})?页",
    re.IGNORECASE,
)
_SEARCHED = 2_000
"""Characters of a question that are searched."""


@dataclass(frozen=True)
class PageRange:
    """From the page `first` to the page `last`, counted from 1, both included."""

    first: int
    last: int

    @property
    def count(self) -> int:
        """How many pages it has."""
        return self.last - self.first + 1


def named_pages(question: str) -> PageRange | None:
    """The first pages that the question names; None: it names none."""
    found = _NAMED.search(question[:_SEARCHED])
    if found is None:
        return None
    first = int(found["first"] or found["from"])
    last = int(found["last"] or found["to"] or first)
    return PageRange(first, last) if 1 <= first <= last else None
