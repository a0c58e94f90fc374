"""Where the lines of a reading stand in the picture itself, whatever was done to it before it was read."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.reader.reading.lines import Line, Point
from engine.reader.reading.rotation import Turn

_DIGITS = 4
"""Of a coordinate: a tenth of a pixel in a picture of a thousand."""

_BACK: dict[int, Callable[[float, float], Point]] = {
    Turn.NONE: lambda x, y: (x, y),
    Turn.LEFT: lambda x, y: (1 - y, x),
    Turn.OVER: lambda x, y: (1 - x, 1 - y),
    Turn.RIGHT: lambda x, y: (y, 1 - x),
}
"""From a picture that was turned counter-clockwise by so much, back to the picture as it is."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line's text, and its corners in the picture: x and y of each, 0 to 1 of its width and its height."""

    text: str
    corners: tuple[float, ...]


@dataclass(frozen=True)
class Frame:
    """How the picture that was read lies on the original: its size with the border, in pixels, and its turn."""

    width: int
    height: int
    border: int
    turn: int

    def place(self, line: Line) -> Place:
        """Where this line is in the original; its corners stay within the picture."""
        corners: list[float] = []
        for x, y in line.corners:
            across = (x - self.border) / (self.width - 2 * self.border)
            down = (y - self.border) / (self.height - 2 * self.border)
            corners += [round(min(1.0, max(0.0, value)), _DIGITS) for value in _BACK[self.turn](across, down)]
        return Place(line.text, tuple(corners))
