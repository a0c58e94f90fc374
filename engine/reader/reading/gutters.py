"""Boxes that the detector drew across the gutter between two columns → a box on each side.

Justified columns are so near each other that the detector takes two lines for one. What gives them away is a gap
without ink at the same place in line after line; the spaces between words are nowhere so wide and so true.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import cos, radians, sin

import numpy as np

from engine.reader.reading import ink
from engine.reader.reading.layout import skew
from engine.reader.reading.lines import Corners, Line
from engine.reader.reading.prepare import Pixels

# A gutter is at least so wide, in heights of a line's box, which is higher than its letters; and so many lines in a row
# have it. Fewer that cross it will do where lines on both sides end there of themselves.
_WIDTH, _LINES, _CROSSING = 0.33, 4, 1
# A line this long, in heights, may be two.
_LONG = 4
# The lines of a column are of one size, nearly; a heading over both is larger, and its words may be far apart.
_ALIKE = 1.4
# How far from a gutter's middle the ends of the lines beside it may be, in heights.
_BESIDE = 1.5


@dataclass(frozen=True)
class _Gap:
    """A stretch without ink in the box `index`: along its upper edge in pixels, and where that is on the level page."""

    index: int
    start: float
    end: float
    left: float
    right: float


def split(boxes: list[Corners], crops: list[Pixels]) -> list[Corners]:
    """Return `boxes` with those cut that reach across a gutter; `crops` are their pixels."""
    lines = [Line("", 0.0, box) for box in boxes]
    long = [index for index, line in enumerate(lines) if line.length > _LONG * line.height > 0]
    if len(long) < _CROSSING:
        return boxes
    angle = skew(lines)
    places = [_Place(line, angle) for line in lines]
    gaps = [gap for index in long for gap in _gaps(index, crops[index], places[index])]
    cuts: dict[int, list[_Gap]] = {}
    for run in _runs(gaps, places, long):
        for gap in run:
            cuts.setdefault(gap.index, []).append(gap)
    return [part for index, box in enumerate(boxes) for part in _cut(box, cuts.get(index, []))]


class _Place:
    """Where a line is once the page is level: its edges, middle and height, in pixels."""

    def __init__(self, line: Line, angle: float) -> None:
        x, y = line.centre
        sine, cosine = sin(radians(-angle)), cos(radians(-angle))
        self.middle = x * sine + y * cosine
        self.left = x * cosine - y * sine - line.length / 2
        self.right = self.left + line.length
        self.height = line.height


def _gaps(index: int, crop: Pixels, place: _Place) -> list[_Gap]:
    marked = np.flatnonzero(ink.columns(crop))
    found = []
    for before, after in pairwise(marked):
        if after - before > _WIDTH * place.height:
            start, end = float(before) + 1, float(after)
            found.append(_Gap(index, start, end, place.left + start, place.left + end))
    return found


def _runs(gaps: list[_Gap], places: list[_Place], long: list[int]) -> list[list[_Gap]]:
    """Return the runs of gaps that are gutters: one above the other, with a band in common, and no line through it."""
    found: list[list[_Gap]] = []
    rest = sorted(gaps, key=lambda gap: places[gap.index].middle)
    while rest:
        run, left, right = [rest[0]], rest[0].left, rest[0].right
        for gap in rest[1:]:
            place, last = places[gap.index], places[run[-1].index]
            band = min(right, gap.right) - max(left, gap.left)
            if gap.index == run[-1].index or not _alike(place.height, last.height) or band < _WIDTH * place.height:
                continue
            if _interrupted(max(left, gap.left), min(right, gap.right), last, place, places):
                break
            run.append(gap)
            left, right = max(left, gap.left), min(right, gap.right)
        if len(run) + _lines_beside((left + right) / 2, run, places) >= _LINES:
            found.append(run)
            rest = [gap for gap in rest if gap not in run]
        else:
            rest = rest[1:]
    return found


def _alike(height: float, other: float) -> bool:
    return max(height, other) < _ALIKE * min(height, other)


def _interrupted(left: float, right: float, above: _Place, below: _Place, places: list[_Place]) -> bool:
    """Whether a line between the two runs through the band, as a heading or a picture's caption does."""
    if below.middle - above.middle > 12 * above.height:
        return True
    return any(
        above.middle < place.middle < below.middle and place.left < left - 1 and place.right > right + 1
        for place in places
        if place is not above and place is not below
    )


def _lines_beside(middle: float, run: list[_Gap], places: list[_Place]) -> int:
    """Return how many pairs of lines, not too far above and below the run, end and begin at the gutter."""
    height = places[run[0].index].height
    top, bottom = places[run[0].index].middle - 8 * height, places[run[-1].index].middle + 8 * height
    near = [place for place in places if top < place.middle < bottom and _alike(place.height, height)]
    ending = sum(-0.5 * height < middle - place.right < _BESIDE * height for place in near)
    beginning = sum(-0.5 * height < place.left - middle < _BESIDE * height for place in near)
    return min(ending, beginning)


def _cut(box: Corners, gaps: list[_Gap]) -> list[Corners]:
    """Return the parts of `box` between the gaps, with a little of each gap."""
    if not gaps:
        return [box]
    length, height = Line("", 0.0, box).length, Line("", 0.0, box).height
    edges, spare = [0.0], 0.2 * height
    for gap in sorted(gaps, key=lambda gap: gap.start):
        middle = (gap.start + gap.end) / 2
        edges += [min(gap.start + spare, middle), max(gap.end - spare, middle)]
    edges.append(length)
    return [_stretch(box, start / length, end / length) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _stretch(box: Corners, start: float, end: float) -> Corners:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = box
    return (
        (ax + (bx - ax) * start, ay + (by - ay) * start),
        (ax + (bx - ax) * end, ay + (by - ay) * end),
        (dx + (cx - dx) * end, dy + (cy - dy) * end),
        (dx + (cx - dx) * start, dy + (cy - dy) * start),
    )
