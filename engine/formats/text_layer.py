"""The text that a PDF's page has beside what is drawn: it travels inside the page's picture, as a comment of the PNG.

Check it against the picture before use: a layer can be hidden, or somebody else's bad OCR.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

KEY = "Text layer"
"""The keyword of the PNG's iTXt chunk."""
MOST_RUNS = 5_000
MOST_CHARACTERS = 50_000
"""A page with more is left to the eye: it is no page that a person reads."""


@dataclass(frozen=True)
class Run:
    """Text in one line. The edges are shares of the page's width and height, from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float
    text: str


def pack(runs: list[Run]) -> str:
    """Return the comment's text; empty where there is nothing, or too much."""
    if not runs or len(runs) > MOST_RUNS or sum(len(run.text) for run in runs) > MOST_CHARACTERS:
        return ""
    return json.dumps([astuple(run) for run in runs], ensure_ascii=False, separators=(",", ":"))


def unpack(info: Mapping[str | tuple[int, int], Any]) -> list[Run]:
    """Return the runs in a picture's `info`, as Pillow reads it; none where it has no such comment, or a broken one."""
    if KEY not in info:
        return []
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - slow to import, and drawing a page needs only pack

    try:
        found = TypeAdapter(list[tuple[float, float, float, float, str]]).validate_json(info[KEY])
    except ValidationError:
        return []
    return [Run(*values) for values in found[:MOST_RUNS]]
