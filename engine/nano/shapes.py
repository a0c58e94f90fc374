"""Pictures of plain shapes, for training and testing nano."""

import math
import random
from collections.abc import Callable

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Point = tuple[float, float]
Colour = tuple[int, int, int]

_SUPERSAMPLING = 3


def _regular(corners: int, inner: float | None = None) -> list[Point]:
    """Corners of a polygon in the unit circle, the first on top; with `inner`, a star whose dents have that radius."""
    radii = (1.0,) if inner is None else (1.0, inner)
    count = corners * len(radii)
    turns = [(2 * math.pi * i / count, radii[i % len(radii)]) for i in range(count)]
    return [(r * math.sin(turn), -r * math.cos(turn)) for turn, r in turns]


def _heart() -> list[Point]:
    turns = [2 * math.pi * i / 60 for i in range(60)]
    return [
        (
            math.sin(t) ** 3,
            -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16,
        )
        for t in turns
    ]


def _cross(rng: random.Random) -> list[Point]:
    a = rng.uniform(0.25, 0.38)
    return [(-a, -1), (a, -1), (a, -a), (1, -a), (1, a), (a, a), (a, 1), (-a, 1), (-a, a), (-1, a), (-1, -a), (-a, -a)]


def _arrow(rng: random.Random) -> list[Point]:
    shaft, neck, head = rng.uniform(0.15, 0.28), rng.uniform(-0.1, 0.2), rng.uniform(0.6, 0.75)
    return [(-1, -shaft), (neck, -shaft), (neck, -head), (1, 0), (neck, head), (neck, shaft), (-1, shaft)]


_OUTLINES: dict[str, Callable[[random.Random], list[Point]]] = {
    "circle": lambda _: _regular(72),
    "square": lambda _: [(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)],
    "triangle": lambda _: _regular(3),
    "star": lambda rng: _regular(5, rng.uniform(0.36, 0.45)),
    "cross": _cross,
    "heart": lambda _: _heart(),
    "ring": lambda _: _regular(72),
    "arrow": _arrow,
}
SHAPES = tuple(_OUTLINES)


def draw_shape(shape: str, rng: random.Random, size: tuple[int, int] | None = None) -> Image.Image:
    """Draw one of `SHAPES` with a random colour, background, size, turn and place.

    `size` is (width, height) in pixels; without it, sides of 112 to 408 with a ratio of at most 1.7.
    """
    return draw_with_mask(shape, rng, size)[0]


def draw_with_mask(
    shape: str, rng: random.Random, size: tuple[int, int] | None = None, *, plain: bool = False
) -> tuple[Image.Image, Image.Image]:
    """The same, and where the shape is, 255 inside; a `plain` picture is dark on white."""
    width, height = size or _random_size(rng)
    mask = _mask(shape, rng, width, height)
    if plain:
        picture = Image.new("RGB", (width, height), "white")
        picture.paste(Image.new("RGB", picture.size, (rng.randint(0, 90),) * 3), mask=mask)
        return picture, mask
    background, colour = _two_colours(rng)
    picture = _background(background, colour, rng, width, height)
    picture.paste(Image.new("RGB", picture.size, colour), mask=mask)
    if rng.random() < 0.3:
        noise = Image.effect_noise(picture.size, rng.uniform(5, 40)).convert("RGB")
        picture = Image.blend(picture, noise, rng.uniform(0.05, 0.2))
    if rng.random() < 0.2:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, min(width, height) / 150)))
    return picture, mask


def _random_size(rng: random.Random) -> tuple[int, int]:
    short = rng.randint(112, 240)
    long = round(short * rng.uniform(1, 1.7))
    return (short, long) if rng.random() < 0.5 else (long, short)


def _any_colour(rng: random.Random) -> Colour:
    return rng.randint(0, 255), rng.randint(0, 255), rng.randint(0, 255)


def _two_colours(rng: random.Random) -> tuple[Colour, Colour]:
    """A background, often white or black as people draw, and a colour that stands out from it."""
    while True:
        background = rng.choice(((255, 255, 255), (0, 0, 0))) if rng.random() < 0.25 else _any_colour(rng)
        colour = _any_colour(rng)
        if sum(abs(x - y) for x, y in zip(background, colour, strict=True)) > 180:
            return background, colour


def _background(plain: Colour, colour: Colour, rng: random.Random, width: int, height: int) -> Image.Image:
    picture = Image.new("RGB", (width, height), plain)
    if rng.random() < 0.3:
        # A gradient that stays nearer to its own colour than to the shape's.
        share = rng.uniform(0.1, 0.3)
        other = tuple(round(p + share * (255 - c - p)) for p, c in zip(plain, colour, strict=True))
        gradient = Image.linear_gradient("L").rotate(rng.choice((0, 90, 180, 270))).resize((width, height))
        picture.paste(Image.new("RGB", (width, height), other), mask=gradient)
    return picture


def _mask(shape: str, rng: random.Random, width: int, height: int) -> Image.Image:
    short = min(width, height) * _SUPERSAMPLING
    radius = short * rng.uniform(0.27, 0.46)
    turn = math.radians(rng.uniform(-15, 15) + (rng.choice((0, 90, 180, 270)) if shape == "arrow" else 0))
    stretch = rng.uniform(0.92, 1.08)
    x = rng.uniform(radius * 1.05, width * _SUPERSAMPLING - radius * 1.05)
    y = rng.uniform(radius * 1.05, height * _SUPERSAMPLING - radius * 1.05)

    def fill(points: list[Point], scale: float) -> Image.Image:
        mask = Image.new("L", (width * _SUPERSAMPLING, height * _SUPERSAMPLING))
        turned = [
            (
                x + scale * stretch * (px * math.cos(turn) - py * math.sin(turn)),
                y + scale / stretch * (px * math.sin(turn) + py * math.cos(turn)),
            )
            for px, py in points
        ]
        ImageDraw.Draw(mask).polygon(turned, fill=255)
        return mask

    outline = _OUTLINES[shape](rng)
    mask = fill(outline, radius)
    if shape == "ring":
        mask = ImageChops.subtract(mask, fill(outline, radius * rng.uniform(0.45, 0.7)))
    return mask.resize((width, height), Image.Resampling.BOX)
