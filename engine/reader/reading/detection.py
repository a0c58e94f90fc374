"""Where lines of text are: the detector's boxes at several sizes of the picture, put together.

The detector knows letters from about 8 to 150 pixels. At a quarter of the size, which costs a sixteenth, it sees what
was too large, and that something was overlooked; then half the size and pieces of the picture are tried as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from engine.reader.reading.lines import Corners, Line
from engine.reader.reading.parts import Part, parts
from engine.reader.reading.prepare import Pixels

Detect = Callable[[Pixels, float], list[Corners]]
"""Finds boxes in pixels that are looked at in this share of their size; the boxes are in pixels as they came."""

_HALF, _QUARTER = 0.5, 0.25
# Pixels: below this a quarter shows nothing, and from this letters may be too large for the detector.
_LEAST_SIDE, _LARGE = 128, 96
# How much of a box the others must cover for it to be no news, and for pieces to be the whole of it.
_KNOWN, _WHOLE = 0.3, 0.7
# A piece of a line is about as high as the line, and near the next piece, both in heights of the line.
_AS_HIGH, _NEAR = 0.5, 0.6
# Pieces of a picture in which nothing was found: their number along each side, and by which share they overlap.
_PIECES, _OVERLAP = 2, 0.1


def find_boxes(detect: Detect, pixels: Pixels) -> list[Corners]:
    """Return the boxes of all lines in `pixels`, part by part."""
    return [
        _moved(box, part.left, part.top)
        for part in parts(pixels)
        for box in _at_several_sizes(detect, part.cut(pixels))
    ]


def _at_several_sizes(detect: Detect, pixels: Pixels) -> list[Corners]:
    found = detect(pixels, 1.0)
    if min(pixels.shape[:2]) < _LEAST_SIDE and found:
        return found
    coarse = detect(pixels, _QUARTER)
    if not found or any(_covered(box, found) < _KNOWN for box in coarse):
        found = _joined(found, detect(pixels, _HALF))
    found = _joined(found, coarse)
    return found or [
        _moved(box, piece.left, piece.top) for piece in _pieces(pixels) for box in detect(piece.cut(pixels), 1.0)
    ]


def _pieces(pixels: Pixels) -> Iterator[Part]:
    height, width = pixels.shape[:2]
    if min(height, width) < 4 * _LEAST_SIDE:
        return
    high, wide = (round(side / _PIECES * (1 + _OVERLAP)) for side in (height, width))
    for top in (0, height - high):
        for left in (0, width - wide):
            yield Part(left, top, left + wide, top + high)


def _joined(found: list[Corners], coarse: list[Corners]) -> list[Corners]:
    """Return `found` with what only the coarser look saw, and with one box where it saw a line in pieces."""
    for box in coarse:
        inside = [other for other in found if _covered(other, [box]) > _WHOLE]
        covered = _covered(box, found)
        if covered < _KNOWN and not inside:
            found = [*found, box]
        elif inside and _are_pieces(inside, box, covered):
            found = [*(other for other in found if other not in inside), box]
    return found


def _are_pieces(inside: list[Corners], box: Corners, covered: float) -> bool:
    height = _line(box).height
    if height < _LARGE or any(_line(piece).height < _AS_HIGH * height for piece in inside):
        return False
    edges = sorted((_line(piece).left, _line(piece).right) for piece in inside)
    near = all(after[0] - before[1] < _NEAR * height for before, after in pairwise(edges))
    return near and (len(inside) > 1 or covered < _WHOLE)


def _covered(box: Corners, others: list[Corners]) -> float:
    """Return which share of `box` lies in the upright rectangles around `others`, 0 to 1; overlaps count once."""
    line = _line(box)
    # A grid of points in the box is exact enough, and does not mind overlaps.
    xs, ys = np.meshgrid(np.linspace(line.left, line.right, 16), np.linspace(line.top, line.bottom, 8))
    hit = np.zeros(xs.shape, bool)
    for other in map(_line, others):
        hit |= (xs >= other.left) & (xs <= other.right) & (ys >= other.top) & (ys <= other.bottom)
    return float(hit.mean())


def _line(box: Corners) -> Line:
    return Line("", 0.0, box)


def _moved(box: Corners, x: float, y: float) -> Corners:
    a, b, c, d = ((px + x, py + y) for px, py in box)
    return a, b, c, d
