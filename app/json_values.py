"""JSON that others made, within limits: its values are counted before it is parsed.

A parser cannot be interrupted, and a list of a few bytes becomes an object of a hundred: tens of megabytes of empty
lists would stop the page for seconds and fill gigabytes.
"""

from __future__ import annotations

from typing import Any

import orjson

_SLICE = 1024 * 1024
_DEEPEST = 32


class ValueCounter:
    """Counts the values of a JSON document that comes in chunks: the commas and opening brackets outside its strings.

    For a document that is not JSON the number means nothing; the parser rejects it.
    """

    def __init__(self) -> None:
        self.values = 0
        self._in_string = False
        self._rest = b""

    def feed(self, chunk: bytes) -> int:
        """Takes the next chunk; returns the number of values so far."""
        chunk = self._rest + chunk
        # Half of an escape waits for its other half.
        self._rest = chunk[-1:] if (len(chunk) - len(chunk.rstrip(b"\\"))) % 2 else b""
        chunk = chunk[: len(chunk) - len(self._rest)]
        parts = chunk.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
        self.values += _commas_and_brackets(b"".join(parts[int(self._in_string) :: 2]))
        self._in_string ^= len(parts) % 2 == 0
        return self.values


def has_more_values(data: bytes, most: int) -> bool:
    """Whether a JSON document has more than `most` values. Commas inside strings do not count."""
    if _commas_and_brackets(data) <= most:
        return False
    counter = ValueCounter()
    return any(counter.feed(data[at : at + _SLICE]) > most for at in range(0, len(data), _SLICE))


def sound_object(body: bytes, most: int) -> dict[str, Any] | None:
    """The JSON object in `body`; None where it is not one that every part of the page can handle.

    It has at most `most` values, is nested at most 32 levels deep, and holds no NUL, no half of a surrogate pair and no
    number that is not finite.
    """
    if has_more_values(body, most):
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
