"""A recognised line of text and its place."""

from dataclasses import dataclass
from math import atan2, degrees, hypot

Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]

LEAST_SCORE = 0.5
"""Below this the letters are guesses; the library's own limit."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as the recogniser found it.

    `corners` are (x, y) in pixels of the picture that was read, clockwise from the start of the text as the detector
    sees it (top left of an upright line); `score` is the recogniser's mean confidence per character, 0 to 1. `ink` is
    where the letters begin and end, in pixels from the box's left edge, where that was looked for; `partly` says that
    some of the line, or all of it, is writing in no script that the recogniser knows.
    """

    text: str
    score: float
    corners: Corners
    ink: tuple[float, float] | None = None
    partly: bool = False

    @property
    def left(self) -> float:
        """Left edge of the upright bounding box, pixels."""
        return min(x for x, _ in self.corners)

    @property
    def right(self) -> float:
        """Right edge of the upright bounding box, pixels."""
        return max(x for x, _ in self.corners)

    @property
    def top(self) -> float:
        """Top edge of the upright bounding box, pixels."""
        return min(y for _, y in self.corners)

    @property
    def bottom(self) -> float:
        """Bottom edge of the upright bounding box, pixels."""
        return max(y for _, y in self.corners)

    @property
    def centre(self) -> Point:
        """Centre of the corners, pixels."""
        return sum(x for x, _ in self.corners) / 4, sum(y for _, y in self.corners) / 4

    @property
    def length(self) -> float:
        """Length of the box along its upper edge, pixels."""
        (ax, ay), (bx, by), *_ = self.corners
        return hypot(bx - ax, by - ay)

    @property
    def text_left(self) -> float:
        """Where the letters of a level line begin, pixels."""
        return self.left + (self.ink[0] if self.ink else 0.0)

    @property
    def text_length(self) -> float:
        """Length from the first letter's beginning to the last one's end, pixels."""
        return self.ink[1] - self.ink[0] if self.ink else self.length

    @property
    def height(self) -> float:
        """Height of the box across its text, pixels: the size of the letters of a horizontal line."""
        (ax, ay), _, _, (dx, dy) = self.corners
        return hypot(dx - ax, dy - ay)

    @property
    def angle(self) -> float:
        """Slope of the upper edge in degrees, clockwise, -180 to 180; 0 is a level line."""
        (ax, ay), (bx, by), *_ = self.corners
        return degrees(atan2(by - ay, bx - ax))


def confidence(lines: list[Line]) -> float:
    """Return the mean confidence per character, 0 to 1; 0 where there are no lines."""
    letters = sum(len(line.text) for line in lines)
    return sum(len(line.text) * line.score for line in lines) / letters if letters else 0.0
