"""Rows whose cells are below each other → tables.

Columns are what empty bands part in nearly every row, with rules or without. Where rules part the rows, too, they say
which cells reach over several rows or columns; the text of such a cell is in the first of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, median_high

from engine.reader.reading import ink, rules
from engine.reader.reading.lines import Line
from engine.reader.reading.prepare import Pixels
from engine.reader.reading.rules import Box, Gap, Grid

# A table has so many rows, of which most have more than one cell; a row without a neighbour so near, in heights of its
# letters, is of another table.
_ROWS, _MOSTLY, _NEAR = 3, 0.6, 4.5
# So few rows may cross the band between two columns, as a heading over several of them does; and it is so wide, in
# heights of the letters.
_CROSSING, _BAND = 0.2, 0.22
# The lines of one cell are this much nearer to each other than rows are.
_NEARER = 0.75
# The words of a heading over several columns are nearer than this, in heights of the letters; cells are not.
_WORDS = 0.8


@dataclass(frozen=True)
class Table:
    """Cells by row and column, "" where there is nothing; `first` is the index of the row of text in which it begins.

    `rows` of a table are fewer than its rows of text where cells have several lines; `last` is that of its end.
    """

    rows: tuple[tuple[str, ...], ...]
    first: int
    last: int


@dataclass(frozen=True)
class _Row:
    lines: list[Line]
    top: float
    bottom: float

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        return median(line.height for line in self.lines)


def tables(rows: list[list[Line]], pixels: Pixels | None = None) -> list[Table]:
    """Return the tables in rows of level text, in their order; `pixels` are those of the picture."""
    made = [_Row(row, min(line.top for line in row), max(line.bottom for line in row)) for row in rows]
    found = []
    for first, last in _stretches(made):
        stretch = made[first : last + 1]
        if gaps := _gaps(stretch):
            grid = None if pixels is None else _grid(stretch, gaps, pixels)
            cells = _ruled(stretch, grid, pixels) if grid and pixels is not None else _merged(stretch, gaps, pixels)
            found.append(Table(cells, first, last))
    return found


def _stretches(rows: list[_Row]) -> list[tuple[int, int]]:
    """Return the first and last index of rows that may be tables: below each other, mostly of several cells."""
    found: list[tuple[int, int]] = []
    start: int | None = None
    for index, row in enumerate(rows):
        several = len(row.lines) > 1
        below = index > 0 and 0 < row.middle - rows[index - 1].middle < _NEAR * row.height
        if start is not None and not below:
            found.append((start, index - 1))
            start = None
        if start is None and several:
            start = index
    if start is not None:
        found.append((start, len(rows) - 1))
    return [trimmed for stretch in found for trimmed in _trimmed(rows, *stretch)]


def _trimmed(rows: list[_Row], first: int, last: int) -> list[tuple[int, int]]:
    """Return the stretch without the rows of one cell around it, parted where two of them follow each other."""
    several = [index for index in range(first, last + 1) if len(rows[index].lines) > 1]
    found = []
    begin = before = several[0]
    for index in [*several[1:], last + 10]:
        if index - before > 2:
            inside = [number for number in several if begin <= number <= before]
            if len(inside) >= _ROWS and len(inside) >= _MOSTLY * (before - begin + 1):
                found.append((begin, before))
            begin = index
        before = index
    return found


def _edges(line: Line) -> tuple[float, float]:
    return line.text_left, line.text_left + line.text_length


def _gaps(rows: list[_Row]) -> list[Gap]:
    """Return the empty bands between columns, from left to right."""
    height = median(row.height for row in rows)
    usual = median_high([len(row.lines) for row in rows])
    # A row with fewer cells may have one over several columns, whose text is anywhere in them.
    spans = [[_edges(line) for line in row.lines] for row in rows if len(row.lines) >= usual]
    # By where the next column begins: how many rows cross the band, and where it begins.
    best: dict[float, tuple[int, float]] = {}
    for end in sorted({right for row in spans for _, right in row}):
        stop = min((left for row in spans for left, _ in row if left > end), default=end)
        crossing = sum(any(left < stop - 1 and right > end + 1 for left, right in row) for row in spans)
        if crossing <= _CROSSING * len(spans) and stop - end >= _BAND * height:
            best[stop] = min(best.get(stop, (crossing, end)), (crossing, end))
    found: list[Gap] = []
    for stop, (_, end) in sorted(best.items()):
        if not found or end >= found[-1][1]:
            found.append((end, stop))
    return found


def _grid(rows: list[_Row], gaps: list[Gap], pixels: Pixels) -> Grid | None:
    """Return the grid of the table's rules; None where it has none between its rows."""
    lines = [line for row in rows for line in row.lines]
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    height = median(row.height for row in rows)
    grid = rules.find(pixels, Box(left, rows[0].top, right, max(row.bottom for row in rows), height), gaps)
    if grid is None:
        return None
    full = [row for row in rows if len(row.lines) > 1]
    steps = [after.middle - before.middle for before, after in pairwise(full)]
    apart = _NEARER * median(steps) if steps else 0.0
    together = any(
        grid.row(before.middle) == grid.row(after.middle) and step >= apart
        for (before, after), step in zip(pairwise(full), steps, strict=True)
    )
    return None if together else grid  # rules between groups of rows only


def _ruled(rows: list[_Row], grid: Grid, pixels: Pixels) -> tuple[tuple[str, ...], ...]:
    """Return the cells of a table whose rows are parted by rules."""
    cells = [[""] * (len(grid.edges) + 1) for _ in range(len(grid.lines) + 1)]
    for row in rows:
        for line in row.lines:
            y = (line.top + line.bottom) / 2
            cut = [
                edge
                for column, (edge, ruled) in enumerate(zip(grid.edges, grid.ruled, strict=True), 1)
                if (not grid.beside[grid.row(y), column] if ruled else _is_empty(line, (edge, edge), pixels))
            ]
            for text, middle in _pieces(line, cut):
                at, column = grid.cell(middle, y)
                cells[at][column] = f"{cells[at][column]} {text}".lstrip()
    # Between the boxes of a form there are only rules.
    return tuple(tuple(row) for row in cells if any(row))


def _merged(rows: list[_Row], gaps: list[Gap], pixels: Pixels | None) -> tuple[tuple[str, ...], ...]:
    """Return the cells, those of several lines joined."""
    steps = [after.middle - before.middle for before, after in pairwise(rows)]
    usual = median(steps) if steps else 0.0
    cells: list[list[str]] = []
    for index, row in enumerate(rows):
        own = _cells(row, gaps, pixels)
        goes_on = index > 0 and not own[0] and steps[index - 1] < _NEARER * usual
        if goes_on:
            cells[-1] = [" ".join(filter(None, pair)) for pair in zip(cells[-1], own, strict=True)]
        else:
            cells.append(own)
    return tuple(map(tuple, cells))


def _cells(row: _Row, gaps: list[Gap], pixels: Pixels | None) -> list[str]:
    cells: list[list[str]] = [[] for _ in range(len(gaps) + 1)]
    for line in row.lines:
        cut = [_middle(gap) for gap in gaps if pixels is None or _is_empty(line, gap, pixels)]
        left, right = _edges(line)
        over = any(left < gap[0] and gap[1] < right for gap in gaps)
        for text, middle in _pieces(line, cut) if cut or not over else [(line.text, left)]:
            cells[sum(_middle(gap) < middle for gap in gaps)].append(text)
    return [" ".join(texts) for texts in cells]


def _middle(gap: Gap) -> float:
    return (gap[0] + gap[1]) / 2


def _pieces(line: Line, bands: list[float]) -> list[tuple[str, float]]:
    """Return the text of a line with its middle; in pieces where the detector drew one box over several columns."""
    left, right = _edges(line)
    crossed = [band for band in bands if left < band < right]
    if not crossed:
        return [(line.text, (left + right) / 2)]
    letter = (right - left) / len(line.text)
    pieces: list[tuple[str, float]] = []
    # Between words, or between Chinese letters: each belongs where its middle is.
    for found in re.finditer(r"[\u2e80-\uffef]|[^\s\u2e80-\uffef]+", line.text):
        middle = left + letter * (found.start() + found.end()) / 2
        column = sum(band < middle for band in crossed)
        if pieces and sum(band < pieces[-1][1] for band in crossed) == column:
            space = " " if line.text[found.start() - 1].isspace() else ""
            pieces[-1] = (pieces[-1][0] + space + found[0], pieces[-1][1])
        else:
            pieces.append((found[0], middle))
    return pieces


def _is_empty(line: Line, gap: Gap, pixels: Pixels) -> bool:
    """Whether the ink of a line has a hole at the gap that is wider than one between words."""
    left, right = _edges(line)
    if not left < _middle(gap) < right:
        return False
    around = _WORDS * line.height
    begin, end = max(int(line.left), int(gap[0] - around)), min(int(line.right), int(gap[1] + around))
    edge = 0.2 * (line.bottom - line.top)  # where rules of the table may be
    crop = pixels[max(0, int(line.top + edge)) : int(line.bottom - edge), max(0, begin) : end]
    if min(crop.shape[:2], default=0) < 2:
        return False
    marked = ink.columns(crop)
    holes = "".join("x" if column else " " for column in marked).split("x")
    return max(map(len, holes)) > around
