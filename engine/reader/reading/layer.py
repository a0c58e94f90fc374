"""The text layer of a PDF's page, believed line by line where the picture shows the same."""

from __future__ import annotations

from dataclasses import replace
from difflib import SequenceMatcher

from engine.formats.text_layer import Run
from engine.reader.reading.lines import Line

# How much of a run must lie in a line's box, and how like its text must be to what was read there.
_INSIDE, _LIKE = 0.75, 0.75


def corrected(lines: list[Line], runs: list[Run], width: int, height: int) -> list[Line]:
    """Return `lines` with the exact text of the layer where it agrees with them; `width` and `height` of the picture.

    What the layer has and the picture does not show is left out: it is hidden, or of somebody else's making.
    """
    return [_corrected(line, runs, width, height) for line in lines] if runs else lines


def _corrected(line: Line, runs: list[Run], width: int, height: int) -> Line:
    own = [run for run in runs if _inside(run, line, width, height)]
    text = " ".join(run.text for run in sorted(own, key=lambda run: run.left))
    return replace(line, text=text, score=1.0) if text and _alike(text, line.text) else line


def _inside(run: Run, line: Line, width: int, height: int) -> bool:
    left, right, middle = run.left * width, run.right * width, (run.top + run.bottom) / 2 * height
    shared = min(right, line.right) - max(left, line.left)
    return line.top < middle < line.bottom and shared > _INSIDE * max(1.0, right - left)


def _alike(text: str, read: str) -> bool:
    one, other = ("".join(part.split()).casefold() for part in (text, read))
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= _LIKE
