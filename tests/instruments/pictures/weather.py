"""Degradations of a picture: rotated, tilted, photographed, darkened, shrunk, compressed."""

import io
from collections.abc import Callable
from random import Random

import numpy as np
from PIL import Image, ImageFilter

Weather = Callable[[Image.Image, Random, int], Image.Image]
"""From a picture and the height of its smallest letters, in pixels."""


def quarter_left(picture: Image.Image, rng: Random, smallest: int) -> Image.Image:
    """Turned by a quarter, as a scanner gives it."""
    return picture.transpose(Image.Transpose.ROTATE_90)


def quarter_right(picture: Image.Image, rng: Random, smallest: int) -> Image.Image:
    """Turned by a quarter the other way."""
    return picture.transpose(Image.Transpose.ROTATE_270)


def upside_down(picture: Image.Image, rng: Random, smallest: int) -> Image.Image:
    """Upside down."""
    return picture.transpose(Image.Transpose.ROTATE_180)


def tilted(picture: Image.Image, rng: Random, smallest: int) -> Image.Image:
    """A little crooked, as a hand holds a camera."""
    angle = rng.choice([-1, 1]) * rng.uniform(2, 14)
    ground = rng.choice(["white", "#444444", "#b9a58c"])
    return picture.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=ground)


def from_the_side(picture: Image.Image, rng: Random, smallest: int) -> Image.Image:
    """Seen from the side: the far edge is shorter."""
    width, height = picture.size
    near = rng.uniform(0.06, 0.14)
    left, right = (near, 0.0) if rng.random() < 0.5 else (0.0, near)
    target = [(0, left), (1, right), (1, 1 - right), (0, 1 - left)]
    return _projected(picture, [(x * width, y * height) for x, y in target])


def at_night(picture: Image.Image, rng: Random, smallest: int) -> Image.Image:
    """Dark, and grainy from it."""
    return _grainy(_scaled(picture, rng.uniform(0.25, 0.4)), rng, 5)


def grainy(picture: Image.Image, rng: Random, smallest: int) -> Image.Image:
    """With the noise of a small sensor."""
    return _grainy(picture, rng, rng.uniform(14, 28))


def blurred(picture: Image.Image, rng: Random, smallest: int) -> Image.Image:
    """Out of focus, as far as the smallest letters stay legible."""
    return picture.filter(ImageFilter.GaussianBlur(min(2.0, smallest / 18)))


def small(picture: Image.Image, rng: Random, smallest: int) -> Image.Image:
    """As small as it stays readable: the smallest letters are 13 to 16 pixels high."""
    scale = min(1.0, rng.uniform(13, 16) / smallest)
    size = (round(picture.width * scale), round(picture.height * scale))
    return picture.resize(size, Image.Resampling.BICUBIC)


def pressed(picture: Image.Image, rng: Random, smallest: int) -> Image.Image:
    """Through a messenger that saves every byte."""
    return Image.open(io.BytesIO(_jpeg(picture, rng.randint(18, 35)))).convert("RGB")


def shaded(picture: Image.Image, rng: Random, smallest: int) -> Image.Image:
    """Half of it in a shadow."""
    width, height = picture.size
    slope = np.linspace(0, 1, width)[None, :] * rng.uniform(-1, 1) + np.linspace(0, 1, height)[:, None] * rng.uniform(
        -1, 1
    )
    edge = 1 / (1 + np.exp(-30 * (slope - np.median(slope))))
    light = 0.4 + 0.6 * edge
    return Image.fromarray((np.asarray(picture) * light[..., None]).astype(np.uint8))


def on_a_wall(picture: Image.Image, rng: Random, smallest: int) -> Image.Image:
    """Hanging on a wall of bricks, photographed with what is around."""
    margin = 160
    wall = Image.new("RGB", (picture.width + 2 * margin, picture.height + 2 * margin), "#8a5a44")
    pixels = np.asarray(wall).copy()
    rows = np.arange(wall.height)[:, None]
    columns = np.arange(wall.width)[None, :] + np.where((rows // 40) % 2, 45, 0)
    pixels[(rows % 40 < 4) | (columns % 90 < 4)] = (150, 132, 120)
    wall = Image.fromarray(pixels)
    wall.paste(picture, (margin, margin))
    return _grainy(wall, rng, 4)


def black_and_white(picture: Image.Image, rng: Random, smallest: int) -> Image.Image:
    """Faxed: each pixel black or white."""
    grey = np.asarray(picture.convert("L"))
    return Image.fromarray(np.where(grey > (int(grey.min()) + int(grey.max())) / 2, 255, 0).astype(np.uint8)).convert(
        "RGB"
    )


def _grainy(picture: Image.Image, rng: Random, sigma: float) -> Image.Image:
    noise = np.random.default_rng(rng.randrange(2**32)).normal(0, sigma, (picture.height, picture.width, 3))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def _scaled(picture: Image.Image, light: float) -> Image.Image:
    return Image.fromarray((np.asarray(picture) * light).astype(np.uint8))


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _projected(picture: Image.Image, corners: list[tuple[float, float]]) -> Image.Image:
    """`picture` with its corners, clockwise from the top left, moved to `corners`."""
    width, height = picture.size
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, [(0, 0), (width, 0), (width, height), (0, height)], strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    coefficients = np.linalg.solve(np.array(rows, float), np.array(values, float))
    return picture.transform(
        picture.size, Image.Transform.PERSPECTIVE, list(coefficients), Image.Resampling.BICUBIC, fillcolor="#777777"
    )
