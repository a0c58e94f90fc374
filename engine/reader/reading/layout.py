"""Lines as the detector found them → rows in the order in which people read them.

Skew is taken out first. A page of columns is cut where an empty band runs between two stretches of running text; what
is left is read row by row, so that a table's cells and a receipt's prices stay with their row. Upright Chinese is read
column by column from right to left.
"""

from dataclasses import dataclass
from math import cos, radians, sin
from statistics import median

from engine.reader.reading.lines import Line
from engine.reader.reading.rotation import cjk_share, is_cjk, is_tall, tall_share

# A camera held by hand is rarely more level than half a degree; beyond 40° a line is no longer a skewed horizontal one.
_LEAST_SKEW, _MOST_SKEW = 0.5, 40.0
# Cells of one row may differ in size (a price beside its small print), but a heading beside a paragraph is no row.
_SIZE_RATIO = 2.5
# Boxes of neighbours in a row overlap a little where the detector was generous; more than this, one is below the other.
_BESIDE = 0.3
# Running text, as against the cells of a table: lines, and half-width letters in the middle one.
_RUNNING_LINES, _RUNNING_LETTERS = 5, 18
# Headings and stray marks may cross the band between columns.
_CROSSING = 0.08
# What a box has around its letters, in its heights.
_SPARE = 0.25


@dataclass(frozen=True, slots=True)
class Box:
    """A line's place after the skew is taken out: centre, width and height in pixels."""

    line: Line
    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> float:
        """Left edge."""
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        """Right edge."""
        return self.x + self.width / 2

    @property
    def text_left(self) -> float:
        """Where the letters begin: the detector's boxes are generous."""
        return self.left + self._spare

    @property
    def text_right(self) -> float:
        """Where the letters end."""
        return self.right - self._spare

    @property
    def _spare(self) -> float:
        return min(_SPARE * self.height, self.width / 4)

    @property
    def top(self) -> float:
        """Upper edge."""
        return self.y - self.height / 2

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.y + self.height / 2


def rows(lines: list[Line]) -> list[list[Line]]:
    """Return all lines in reading order, those that stand in one row together."""
    if tall_share(lines) > 0.6 and cjk_share("".join(line.text for line in lines if is_tall(line))) > 0.5:
        ordered = _upright_columns(_boxes(lines, 0.0))
    else:
        ordered = _page(_boxes(lines, skew(lines)))
    return [[box.line for box in row] for row in ordered]


def skew(lines: list[Line]) -> float:
    """Return the slope of the text in degrees, clockwise; 0 where it is too small or too large to be a skew.

    It is the median over the lines that are long enough to have a direction, each counted by its length.
    """
    angles = sorted((line.angle, line.length) for line in lines if line.length > 2 * line.height)
    passed, half = 0.0, sum(length for _, length in angles) / 2
    for angle, length in angles:
        passed += length
        if passed >= half:
            return angle if _LEAST_SKEW < abs(angle) < _MOST_SKEW else 0.0
    return 0.0


def _boxes(lines: list[Line], angle: float) -> list[Box]:
    turn_sin, turn_cos = sin(radians(-angle)), cos(radians(-angle))
    return [
        Box(line, x * turn_cos - y * turn_sin, x * turn_sin + y * turn_cos, line.length, line.height)
        for line in lines
        for x, y in [line.centre]
    ]


def _page(boxes: list[Box]) -> list[list[Box]]:
    band = _column_band(boxes)
    if band is None:
        return _rows(boxes)
    crossing = [box for box in boxes if box.text_left < band < box.text_right]
    ordered: list[list[Box]] = []
    rest = [box for box in boxes if box not in crossing]
    for heading in _rows(crossing):
        above = [box for box in rest if box.y < min(part.y for part in heading)]
        rest = [box for box in rest if box not in above]
        ordered += [*_halves(above, band), heading]
    return ordered + _halves(rest, band)


def _halves(boxes: list[Box], band: float) -> list[list[Box]]:
    left = [box for box in boxes if box.x < band]
    right = [box for box in boxes if box.x >= band]
    # A stretch too low for columns, such as the line with date and page number above them, is a row.
    if not left or not right or not _side_by_side(left, right, least=2):
        return _page(boxes) if len(left) == 0 or len(right) == 0 else _rows(boxes)
    return _page(left) + _page(right)


def _column_band(boxes: list[Box]) -> float | None:
    """Return the x of the band that best parts the page into columns, or None where it has none."""
    best: tuple[int, float] | None = None
    found: float | None = None
    for start in sorted({box.text_left for box in boxes}):
        band = start - 0.5
        left = [box for box in boxes if box.text_right <= band]
        right = [box for box in boxes if box.text_left >= band]
        crossing = len(boxes) - len(left) - len(right)
        if crossing > _CROSSING * len(boxes) or not (_is_running(left) and _is_running(right)):
            continue
        if not _side_by_side(left, right, least=4):
            continue
        width = start - max(box.text_right for box in left)
        if best is None or (-crossing, width) > best:
            best, found = (-crossing, width), start - width / 2
    return found


def _is_running(boxes: list[Box]) -> bool:
    return len(boxes) >= _RUNNING_LINES and median(_letters(box.line.text) for box in boxes) >= _RUNNING_LETTERS


def _letters(text: str) -> int:
    return sum(2 if is_cjk(letter) else 1 for letter in text)


def _side_by_side(left: list[Box], right: list[Box], least: int) -> bool:
    shared = min(max(b.bottom for b in left), max(b.bottom for b in right)) - max(
        min(b.top for b in left), min(b.top for b in right)
    )
    return shared >= least * median(box.height for box in left + right)


def _rows(boxes: list[Box]) -> list[list[Box]]:
    found: list[list[Box]] = []
    for box in sorted(boxes, key=lambda box: box.y):
        fitting = [row for row in found if _fits(box, row)]
        if fitting:
            min(fitting, key=lambda row: _gap(box, _nearest(box, row))).append(box)
        else:
            found.append([box])
    found.sort(key=lambda row: sum(box.y for box in row) / len(row))
    return [sorted(row, key=lambda box: box.left) for row in found]


def _fits(box: Box, row: list[Box]) -> bool:
    beside = all(
        min(box.right, other.right) - max(box.left, other.left) < _BESIDE * min(box.width, other.width) for other in row
    )
    # A row that is still a little skewed or curved is followed from neighbour to neighbour.
    near = _nearest(box, row)
    low, high = sorted((box.height, near.height))
    return beside and high < _SIZE_RATIO * low and _overlap(box, near) > 0.5 * low


def _nearest(box: Box, row: list[Box]) -> Box:
    return min(row, key=lambda other: _gap(box, other))


def _gap(box: Box, other: Box) -> float:
    return max(other.left - box.right, box.left - other.right)


def _overlap(box: Box, other: Box) -> float:
    return min(box.bottom, other.bottom) - max(box.top, other.top)


def _upright_columns(boxes: list[Box]) -> list[list[Box]]:
    tall = [box for box in boxes if is_tall(box.line)]
    middle = median(box.y for box in tall)
    wide = [box for box in boxes if not is_tall(box.line)]
    # A wide line is the heading or the signature; a lone letter, square, belongs to its column.
    level = [box for box in wide if box.width > 1.5 * box.height]
    columns: list[list[Box]] = []
    for box in sorted((box for box in boxes if box not in level), key=lambda box: -box.x):
        column = next((c for c in columns if abs(c[0].x - box.x) < 0.5 * max(c[0].width, box.width)), None)
        if column is None:
            columns.append([box])
        else:
            column.append(box)
    standing = [sorted(column, key=lambda box: box.y) for column in columns]
    above = _rows([box for box in level if box.y < middle])
    return above + standing + _rows([box for box in level if box.y >= middle])
