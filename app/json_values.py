"""Limits on untrusted JSON: its values are counted before it is parsed.

A parser holds the interpreter's lock, and a list of a few bytes becomes an object of a hundred: tens of megabytes of
empty lists would block the process for seconds and fill gigabytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

_DEEPEST = 32
_MARKS = r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[,\[\]{}]'
"""A string, whose content does not count, or one structural character. An unterminated string extends to the end of the
text, so that no text is scanned twice."""
_TEXT_MARKS = re.compile(_MARKS, re.DOTALL)
_BYTES_MARKS = re.compile(_MARKS.encode(), re.DOTALL)
_OPENING = frozenset(["[", "{", ord("["), ord("{")])
_CLOSING = frozenset(["]", "}", ord("]"), ord("}")])
_COMMA = frozenset([",", ord(",")])
_MARKS_PER_VALUE = 4
"""An entry of an object: its key, its value, a comma, and a closing bracket."""


def too_many_values(json: str | bytes | bytearray, most: int, deepest: int | None = None) -> bool:
    """Whether a JSON text has more than `most` values, or is nested more than `deepest` levels; None allows any depth.

    The text may be malformed. The content of strings does not count.
    """
    if isinstance(json, str):
        commas, opened = json.count(","), json.count("[") + json.count("{")
    else:
        commas, opened = json.count(b","), json.count(b"[") + json.count(b"{")
    # Two passes at memory speed decide nearly all texts. Those with much structure, or with long strings that look like
    # it (a table, a program), are counted exactly.
    if commas + opened <= most and (deepest is None or opened <= deepest):
        return False
    return _counted(json, most, deepest)


def _counted(json: str | bytes | bytearray, most: int, deepest: int | None) -> bool:
    values = depth = 0
    marks: Iterator[Any] = _TEXT_MARKS.finditer(json) if isinstance(json, str) else _BYTES_MARKS.finditer(json)
    # Each string is a value or a key, so too many strings without as many commas are not JSON.
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


class ValueCounter:
    """Counts the values of a JSON document that arrives in chunks: commas and opening brackets outside strings.

    If the document is not JSON, the number is meaningless; the parser will reject it.
    """

    def __init__(self) -> None:
        self.values = 0
        self._in_string = False
        self._rest = b""

    def feed(self, chunk: bytes) -> int:
        """Processes the next chunk; returns the number of values so far."""
        chunk = self._rest + chunk
        # An incomplete escape waits for its second half.
        self._rest = chunk[-1:] if (len(chunk) - len(chunk.rstrip(b"\\"))) % 2 else b""
        chunk = chunk[: len(chunk) - len(self._rest)]
        parts = chunk.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
        self.values += _commas_and_brackets(b"".join(parts[int(self._in_string) :: 2]))
        self._in_string ^= len(parts) % 2 == 0
        return self.values


def sound_object(body: bytes, most: int) -> dict[str, Any] | None:
    """The JSON object in `body`; None if some part of the page could not handle it.

    It has at most `most` values, is nested at most 32 levels deep, and contains no NUL, no lone surrogate and no
    number that is not finite.
    """
    if too_many_values(body, most, _DEEPEST):
        return None
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return parsed if isinstance(parsed, dict) and _sound(parsed) else None


def _sound(value: object) -> bool:
    left: list[tuple[object, int]] = [(value, 1)]
    while left:
        one, depth = left.pop()
        if depth > _DEEPEST or (isinstance(one, str) and "\0" in one):
            return False
        if isinstance(one, dict):
            left += [(part, depth + 1) for part in (*one.keys(), *one.values())]
        elif isinstance(one, list):
            left += [(part, depth + 1) for part in one]
    return True


def _commas_and_brackets(data: bytes) -> int:
    return sum(map(data.count, (b",", b"[", b"{")))
