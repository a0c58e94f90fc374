"""A decoded picture → the pixels to read: upright by its own tag, opaque, large enough, with room around the text."""

from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from engine.formats.pixel_shape import squared_size

Pixels = NDArray[np.uint8]
"""A picture to read: (height, width, 3), blue, green, red."""

# Letters of a picture this small are often under 20 pixels high; the recogniser looks at 48. It is enlarged to about
# twice this. A long, low picture is a strip of text that is large enough already.
_SMALL_SIDE = 320
_LONG_SIDE = 1200
_MOST_ENLARGED = 4
# The detector does not see letters that touch the edge: a crop of one line or word gets a border of its own ground.
_TIGHT_SIDE = 150
_BORDER = 40
# The area, in pixels, that the library's own limit of 2000 a side allows a square picture; as an area it leaves the
# letters of a long screenshot readable.
_MOST_AREA = 4_000_000


def upright(picture: Image.Image) -> Image.Image:
    """Turn `picture` as its EXIF orientation says."""
    return ImageOps.exif_transpose(picture)


def squared(picture: Image.Image) -> Image.Image:
    """Give `picture` square pixels: those of a fax are twice as wide as high."""
    size = squared_size(picture.size, picture.info)
    if size == picture.size:
        return picture
    # A bilevel picture, as faxes are, has no colour between its two.
    return (picture.convert("L") if picture.mode == "1" else picture).resize(size, Image.Resampling.LANCZOS)


def opaque(picture: Image.Image) -> Image.Image:
    """Return `picture` as RGB, transparent parts on white, or on black where what is drawn is itself nearly white."""
    if picture.mode.startswith(("I", "F")):  # 16 and 32 bits a pixel: Pillow's own conversion would cut them off
        return _eight_bits(picture)
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    ground = Image.new("RGBA", layer.size, "black" if _is_light(layer) else "white")
    return Image.alpha_composite(ground, layer).convert("RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture, np.float32)
    low, high = float(values.min()), float(values.max())
    scaled = (values - low) * (255 / (high - low)) if high > low else values * 0
    return Image.fromarray(scaled.astype(np.uint8)).convert("RGB")


def _is_light(layer: Image.Image) -> bool:
    alpha = np.asarray(layer.getchannel("A"), np.float64)
    light = np.asarray(layer.convert("L"), np.float64)
    # 230 of 255: on white the contrast of such ink is below 1.3 : 1, and neither people nor the detector read it.
    return bool(alpha.sum() > 0 and (light * alpha).sum() / alpha.sum() > 230)


def scale(width: int, height: int) -> float:
    """Return by how much a picture of this size is enlarged (at most 4) or reduced before it is read."""
    short, long = sorted((width, height))
    if short < _SMALL_SIDE and long < _LONG_SIDE:
        return float(min(_MOST_ENLARGED, max(2, ceil(2 * _SMALL_SIDE / short))))
    return min(1.0, sqrt(_MOST_AREA / (width * height)))


def sized(picture: Image.Image) -> Image.Image:
    """Enlarge or reduce `picture` as `scale` says."""
    factor = scale(*picture.size)
    if factor == 1:
        return picture
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def bordered(picture: Image.Image, tight: bool) -> Image.Image:
    """Put a border in the colour of the edge around a `tight` picture."""
    if not tight:
        return picture
    values = np.asarray(picture)
    edge = np.concatenate((values[0], values[-1], values[:, 0], values[:, -1]))
    red, green, blue = (int(value) for value in np.median(edge, axis=0))
    return ImageOps.expand(picture, _BORDER, (red, green, blue))


def pixels(picture: Image.Image) -> Pixels:
    """Return the values of an RGB picture."""
    return np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])


def prepare(picture: Image.Image) -> tuple[Pixels, int]:
    """Return the pixels to read, and how many of them are a border on each side."""
    standing = opaque(upright(squared(picture)))
    tight = min(standing.size) < _TIGHT_SIDE
    return pixels(bordered(sized(standing), tight)), _BORDER if tight else 0
