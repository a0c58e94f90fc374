"""On which line of a JSON text each key is, for errors that people can find."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

Path = tuple[str | int, ...]

_SIGN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


def keys_with_lines(text: str) -> Iterator[tuple[Path, int]]:
    """The path of every key and list entry with its line, from 1, in their order; `text` is valid JSON.

    A path that comes twice is a key that is there twice, of which JSON keeps only the last.
    """
    path: list[str | int] = []
    opened: list[str] = []
    line, at, awaited = 1, 0, ""
    for match in _SIGN.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        sign = match.group()
        if sign in "]}":
            opened.pop()
            path.pop()
            awaited = ""
            continue
        if sign == ",":
            awaited = opened[-1]
            if awaited == "[":
                path[-1] = int(path[-1]) + 1
            continue
        if awaited == "{" and sign.startswith('"'):
            path[-1], awaited = json.loads(sign), ""
            yield tuple(path), line
            continue
        if awaited == "[":
            yield tuple(path), line
            awaited = ""
        if sign in "[{":
            opened.append(sign)
            path.append(0 if sign == "[" else "")
            awaited = sign
