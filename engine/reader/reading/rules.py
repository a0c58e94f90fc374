"""The rules of a table, seen from its pixels: which of its cells reach over several rows or columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.reader.reading.prepare import Pixels

Gap = tuple[float, float]
"""The left and the right edge of the empty band between two columns."""

# A rule differs so much from what is so far from it on both sides, in heights of the letters.
_CONTRAST, _THIN = 15.0, 0.12
# Letters have no strokes so long, in their heights.
_LONG = 1.5
# A rule covers so much of a cell's side; with less than the other there is none.
_RULED, _NONE = 0.85, 0.3
# A rule between two columns is there for so much of the table's height.
_TALL, _MOSTLY = 0.4, 0.6
# Rules so near, in heights of the letters, are one.
_SAME = 0.4
_EDGE = 3  # pixels from a rule that are not looked at
_CROSSED = 5  # pixels of a rule that are not seen where another one crosses it


@dataclass(frozen=True)
class Box:
    """The letters of a table, from the first to the last; `height` is that of one, all in pixels."""

    left: float
    top: float
    right: float
    bottom: float
    height: float


@dataclass(frozen=True)
class Grid:
    """Rows and columns of a ruled table. `lines` and `edges` are the rules between them, in pixels.

    `ruled` says of each edge whether a rule was seen there. `above` says of each cell, by row and column, that no rule
    is between it and the one above; `beside` the same of the one on its left, where the columns are ruled.
    """

    lines: tuple[float, ...]
    edges: tuple[float, ...]
    ruled: tuple[bool, ...]
    above: NDArray[np.bool_]
    beside: NDArray[np.bool_]

    def row(self, y: float) -> int:
        """Return the row in which `y` is."""
        return sum(line < y for line in self.lines)

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """Return the row and the column of a point: the first ones of the cell, where it reaches over several."""
        row, column = self.row(y), sum(edge < x for edge in self.edges)
        while True:
            if column and self.beside[row, column]:
                column -= 1
            elif row and self.above[row, column]:
                row -= 1
            else:
                return row, column


def find(pixels: Pixels, box: Box, gaps: Sequence[Gap]) -> Grid | None:
    """Return the grid of a level table with `gaps` between its columns; None where no rules part its rows."""
    far = max(_EDGE + 1, round(_THIN * box.height))
    x0, y0 = max(0, int(box.left) - 2 * far), max(0, int(box.top) - 2 * far)
    grey = pixels[y0 : int(box.bottom) + 2 * far, x0 : int(box.right) + 2 * far].mean(axis=2)
    if min(grey.shape) <= 2 * far:
        return None
    long, half = round(_LONG * box.height), round(box.height / 2)
    level, upright = _strokes(grey, far, long), _strokes(grey.T, far, long).T
    left, right, top, bottom = (
        round(box.left - x0),
        round(box.right - x0),
        round(box.top - y0),
        round(box.bottom - y0),
    )
    edges, ruled = _edges(upright, [(begin - x0, end - x0) for begin, end in gaps], (left + half, right - half))
    shares = [
        level[:, begin + _EDGE : max(end - _EDGE, begin + _EDGE + 1)].mean(axis=1)
        for begin, end in pairwise([left, *edges, right])
    ]
    near = round(_SAME * box.height)
    groups = _groups(np.any([share >= _RULED for share in shares], axis=0), near)
    lines = [line for line in map(_middle, groups) if top + half < line < bottom - half]
    slanted = any(group[-1] - group[0] > near for group in groups)
    if len(lines) < 2 or slanted:
        return None
    above, beside = (np.zeros((len(lines) + 1, len(shares)), bool) for _ in range(2))
    for row, line in enumerate(lines, 1):
        above[row] = [share[max(0, line - near) : line + near + 1].max() < _NONE for share in shares]
    # A column without any rule has none that could be missing, such as the labels beside the boxes of a form.
    above[:, above[1:].all(axis=0)] = False
    for row, (begin, end) in enumerate(pairwise([top, *lines, bottom])):
        inside = upright[begin + _EDGE : end - _EDGE]
        beside[row, 1:] = [
            seen and _share_at(inside, edge, near // 2) < _NONE for edge, seen in zip(edges, ruled, strict=True)
        ]
    return Grid(
        tuple(float(y0 + line) for line in lines),
        tuple(float(x0 + edge) for edge in edges),
        tuple(ruled),
        above,
        beside,
    )


def _strokes(grey: NDArray[np.float64], far: int, long: int) -> NDArray[np.bool_]:
    """Return which pixels are of a level stroke of at least `long`: unlike what is `far` above it and below."""
    found = np.zeros(grey.shape, bool)
    middle = grey[far:-far]
    up, down = middle - grey[: -2 * far], middle - grey[2 * far :]
    found[far:-far] = (up * down > 0) & (np.minimum(np.abs(up), np.abs(down)) > _CONTRAST)
    # One that is not quite level goes on in the next line of pixels.
    thick = found.copy()
    for step in (1, 2):
        thick[step:] |= found[:-step]
        thick[:-step] |= found[step:]
    width = grey.shape[1]
    if width <= long:
        return np.zeros_like(thick)
    counts = np.cumsum(np.pad(thick, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
    begins = (counts[:, long:] - counts[:, :-long]) >= long - _CROSSED
    steps = np.zeros((len(grey), width + 1), np.int32)
    steps[:, : width - long + 1] += begins
    steps[:, long:] -= begins
    return np.asarray(np.cumsum(steps, axis=1)[:, :width] > 0)


def _edges(upright: NDArray[np.bool_], gaps: Sequence[Gap], inner: tuple[int, int]) -> tuple[list[int], list[bool]]:
    """Return the places between columns, at the rule where there is one, and where that is.

    Rules between most of the columns say by themselves where columns are: a gap can be beside a text over several.
    """
    share = upright.mean(axis=0)
    rules = list(map(_middle, _groups(share[inner[0] : inner[1]] >= _TALL, 2 * _EDGE)))
    if len(rules) >= max(1.0, _MOSTLY * len(gaps)):
        return [inner[0] + rule for rule in rules], [True] * len(rules)
    places, ruled = [], []
    for left, right in gaps:
        begin, end = max(0, int(left) - _EDGE), int(right) + _EDGE + 1
        best = begin + int(share[begin:end].argmax())
        ruled.append(bool(share[best] >= _TALL))
        places.append(best if ruled[-1] else round((left + right) / 2))
    return places, ruled


def _groups(marked: NDArray[np.bool_], near: int) -> list[NDArray[np.intp]]:
    """Return the marked places, those up to `near` apart together."""
    places = np.flatnonzero(marked)
    return np.split(places, np.flatnonzero(np.diff(places) > near) + 1) if len(places) else []


def _middle(group: NDArray[np.intp]) -> int:
    return round(float(group.mean()))


def _share_at(upright: NDArray[np.bool_], edge: int, around: int) -> float:
    beside = upright[:, max(0, edge - around) : edge + around + 1]
    return float(beside.mean(axis=0).max()) if beside.size else 1.0
