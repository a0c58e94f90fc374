"""A decoded picture → the pixels to read: upright by its own tag, opaque, and large enough for the detector."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Pixels = NDArray[np.uint8]
"""A picture to read: (height, width, 3), blue, green, red."""


def upright(picture: Image.Image) -> Image.Image:
    """Turn `picture` as its EXIF orientation says."""
    return ImageOps.exif_transpose(picture)


def opaque(picture: Image.Image) -> Image.Image:
    """Return `picture` as RGB, transparent parts on white: text on transparency is drawn for a page."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    ground = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(ground, layer).convert("RGB")


def pixels(picture: Image.Image) -> Pixels:
    """Return (height, width, 3) in the recogniser's order, BGR."""
    return np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])


def prepare(picture: Image.Image) -> Pixels:
    """Return the pixels to read."""
    return pixels(opaque(upright(picture)))
