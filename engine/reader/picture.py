"""Bytes → pixels, safely."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.reader.errors import ApiError
from engine.reader.recogniser import Pixels

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
_MOST_PIXELS = 40_000_000
"""Four times a page at 300 dots per inch; 120 MB as bytes of RGB."""


def decode(data: bytes) -> Image.Image:
    """The picture upright, in RGB, with transparent parts on white.

    Raises:
        ApiError: 400; it is no picture, broken, or too large.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise ApiError(
                    f"The picture has {opened.width} x {opened.height} pixels; at most {_MOST_PIXELS // 10**6} million "
                    "are read: make it smaller.", param="image_url"
                )  # fmt: skip
            upright = ImageOps.exif_transpose(opened)
            return _on_white(upright)
    except UnidentifiedImageError as error:
        raise ApiError("Failed to load image: cannot identify image file", param="image_url") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ApiError(f"Failed to load image: {error}", param="image_url") from error


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.has_transparency_data:
        coloured = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(ground, coloured).convert("RGB")
    return picture.convert("RGB")


def pixels_of(picture: Image.Image) -> Pixels:
    """Its pixels, shape (height, width, 3)."""
    return np.asarray(picture, np.uint8)
