"""Counts the values of a JSON text before a parser sees it: no thread can interrupt the parser once it runs.

A short text can stand for a lot of memory and time: four megabytes of empty lists are a million objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_MARKS = r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[,\[\]{}]'
"""A string, which counts as nothing whatever it holds, or one character of structure. A string without an end goes to
the end of the text, so that the text is never scanned twice."""
_TEXT_MARKS = re.compile(_MARKS, re.DOTALL)
_BYTES_MARKS = re.compile(_MARKS.encode(), re.DOTALL)


def too_many_values(json: str | bytes, most: int, deepest: int | None = None) -> bool:
    """Whether a JSON text has more than `most` values, or is nested more than `deepest` levels; None: any depth.

    The text may be malformed. What stands in its strings does not count.
    """
    if isinstance(json, str):
        commas, opened = json.count(","), json.count("[") + json.count("{")
    else:
        commas, opened = json.count(b","), json.count(b"[") + json.count(b"{")
    # Two passes at the speed of memory settle nearly all texts. Those with much structure, or with long strings that
    # look like it (a table, a program), are looked at closely.
    if commas + opened <= most and (deepest is None or opened <= deepest):
        return False
    return _counted(json, most, deepest)


def _counted(json: str | bytes, most: int, deepest: int | None) -> bool:
    values = depth = 0
    marks: Iterator[Any] = _TEXT_MARKS.finditer(json) if isinstance(json, str) else _BYTES_MARKS.finditer(json)
    # Each string belongs to a value or is a key; so many strings without as many commas are no JSON.
    for looked_at, mark in enumerate(marks):
        sign = json[mark.start()]
        if sign in _OPENING:
            depth += 1
            values += 1
        elif sign in _CLOSING:
            depth -= 1
        elif sign in _COMMA:
            values += 1
        if values > most or looked_at > _MARKS_PER_VALUE * most or (deepest is not None and depth > deepest):
            return True
    return False


_OPENING = frozenset(["[", "{", ord("["), ord("{")])
_CLOSING = frozenset(["]", "}", ord("]"), ord("}")])
_COMMA = frozenset([",", ord(",")])
_MARKS_PER_VALUE = 4
"""An entry of an object: its key, its value, a comma, and a bracket that closes."""
