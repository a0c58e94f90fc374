"""Makes recognised lines for the tests of the reader."""

from math import cos, radians, sin

from engine.reader.reading.lines import Line, Point


def line(text: str, left: float, top: float, width: float, height: float = 20, *, score: float = 0.99) -> Line:
    """A level line; pixels."""
    right, bottom = left + width, top + height
    return Line(text, score, ((left, top), (right, top), (right, bottom), (left, bottom)))


def turned(line: Line, degrees: float) -> Line:
    """The line on a page turned clockwise about its upper left corner."""

    def move(point: Point) -> Point:
        x, y = point
        sine, cosine = sin(radians(degrees)), cos(radians(degrees))
        return x * cosine - y * sine, x * sine + y * cosine

    a, b, c, d = line.corners
    return Line(line.text, line.score, (move(a), move(b), move(c), move(d)))
