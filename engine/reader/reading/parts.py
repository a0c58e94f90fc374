"""The parts of a picture that hold something: what is far from everything else on an even ground.

The detector looks at a picture as a whole, and overlooks a word on an empty page or a dialog on a dark screen; cut out,
the same word is found. It is quicker, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.reader.reading.prepare import Pixels

# Pixels: the edge of the squares that are either empty or not, the marks in a square that are no dust, and what is left
# around a part so that its letters do not touch the edge.
_CELL, _DUST, _MARGIN = 8, 3, 64
# So far apart, in cells, that nothing of one part helps to read the other: the height of several lines.
_APART = 24
# A colour that differs less from the ground is the noise of a scan or of JPEG, in 255ths.
_DIFFERS = 40
# A picture with less of one colour is a photograph, and no ground is even.
_EVEN = 0.5
# More are the specks of a bad scan; and cutting must be worth it.
_MOST_PARTS, _WORTH = 16, 0.8


@dataclass(frozen=True)
class Part:
    """A rectangle of a picture, in pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> int:
        """Pixels in it."""
        return (self.right - self.left) * (self.bottom - self.top)

    def cut(self, pixels: Pixels) -> Pixels:
        """Return the rectangle's pixels."""
        return np.ascontiguousarray(pixels[self.top : self.bottom, self.left : self.right])


def parts(pixels: Pixels) -> list[Part]:
    """Return the parts to look at; the whole picture where no ground is even, and none where there is nothing."""
    height, width = pixels.shape[:2]
    whole = Part(0, 0, width, height)
    marks = _marks(pixels)
    if marks is None:
        return [whole]
    found = [_with_margin(*box, whole) for box in _islands(marks, 0, 0)]
    if len(found) > _MOST_PARTS:
        found = [_around(found)]
    return found if sum(part.area for part in found) < _WORTH * whole.area else [whole]


def _marks(pixels: Pixels) -> NDArray[np.bool_] | None:
    """Return which cells have something on them; None where the ground is not even."""
    some = pixels[::4, ::4].reshape(-1, 3)
    kinds = (some >> 4).astype(np.int32) @ np.array([256, 16, 1])
    ground = np.median(some[kinds == np.bincount(kinds).argmax()], axis=0).astype(np.int16)
    if (np.abs(some - ground).max(axis=1) <= _DIFFERS).mean() < _EVEN:
        return None
    inked = np.abs(pixels - ground).max(axis=2) > _DIFFERS
    height, width = (-(-side // _CELL) * _CELL for side in inked.shape)
    padded = np.pad(inked, ((0, height - inked.shape[0]), (0, width - inked.shape[1])))
    cells = padded.reshape(height // _CELL, _CELL, width // _CELL, _CELL)
    return np.asarray(cells.sum(axis=(1, 3)) >= _DUST)


def _islands(marks: NDArray[np.bool_], x: int, y: int) -> list[tuple[int, int, int, int]]:
    """Return (left, top, right, bottom) in cells of what lies apart; `x` and `y` are where `marks` begin."""
    down, across = np.flatnonzero(marks.any(axis=1)), np.flatnonzero(marks.any(axis=0))
    if not len(down):
        return []
    rows, columns = np.diff(down), np.diff(across)
    if rows.max(initial=0) > _APART:
        cut = int(down[rows.argmax()]) + 1
        return [*_islands(marks[:cut], x, y), *_islands(marks[cut:], x, y + cut)]
    if columns.max(initial=0) > _APART:
        cut = int(across[columns.argmax()]) + 1
        return [*_islands(marks[:, :cut], x, y), *_islands(marks[:, cut:], x + cut, y)]
    return [(x + int(across[0]), y + int(down[0]), x + int(across[-1]) + 1, y + int(down[-1]) + 1)]


def _with_margin(left: int, top: int, right: int, bottom: int, whole: Part) -> Part:
    return Part(
        max(0, left * _CELL - _MARGIN),
        max(0, top * _CELL - _MARGIN),
        min(whole.right, right * _CELL + _MARGIN),
        min(whole.bottom, bottom * _CELL + _MARGIN),
    )


def _around(found: list[Part]) -> Part:
    return Part(
        min(part.left for part in found),
        min(part.top for part in found),
        max(part.right for part in found),
        max(part.bottom for part in found),
    )
