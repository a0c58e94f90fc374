"""A picture far longer than wide, such as a screenshot of a whole page, is cut into parts that a model can read.

Scaled down to a model's limit its letters would be a few pixels high. The parts overlap, so that each line of text is
whole in one of them.
"""

from __future__ import annotations

import math

from PIL import Image

from app.files.pictures import (
    NormalPicture,
    PictureLimits,
    encode,
    is_lossy,
    opened,
    target_size,
    whole,
    whole_size,
)

_LONG = 3
"""A picture is long if it is so many times as long as wide."""
_ENOUGH = 0.6
"""At this share of its size a screenshot is still read."""
_OVERLAP = 8
"""Parts overlap by this fraction of their length, more than a line of text is high."""
_MOST = 24
"""Parts of one picture."""

Box = tuple[int, int, int, int]


def boxes(width: int, height: int, limits: PictureLimits, most: int) -> list[Box]:
    """The parts of a picture of this size, as (left, top, right, bottom), in order; none if it is fine as a whole.

    They and an overview are at most `most` pictures.
    """
    short, long = sorted((width, height))
    room = min(most, _MOST + 1, limits.together // limits.pixels) - 1
    if long < _LONG * short or target_size(width, height, limits)[0] >= _ENOUGH * width or room < 2:
        return []
    length = max(short, limits.pixels // short)
    count = min(room, math.ceil((_OVERLAP * long / length - 1) / (_OVERLAP - 1)))
    length = min(long, math.ceil(_OVERLAP * long / ((_OVERLAP - 1) * count + 1)))
    starts = [round(number * (long - length) / (count - 1)) for number in range(count)] if count > 1 else []
    if width < height:
        return [(0, start, width, start + length) for start in starts]
    return [(start, 0, start + length, height) for start in starts]


def cut(image: Image.Image, parts: list[Box], limits: PictureLimits, *, lossy: bool) -> list[NormalPicture]:
    """The overview and the parts of an upright picture; each has its `part` of the name."""
    order = "from top to bottom" if image.width < image.height else "from left to right"
    pictures = [_named(encode(image, limits, lossy=lossy), "overview")]
    for number, box in enumerate(parts, 1):
        picture = encode(image.crop(box), limits, lossy=lossy)
        pictures.append(_named(picture, f"part {number} of {len(parts)}, {order}"))
    return pictures


def _named(picture: NormalPicture, part: str) -> NormalPicture:
    size = (picture.width, picture.height)
    return NormalPicture(picture.data, picture.extension, *size, size, part=part)


def long_picture(data: bytes, limits: PictureLimits, most: int) -> list[NormalPicture]:
    """The overview and the parts of a long picture's bytes; empty for any other file.

    Raises:
        PictureError: as `app.files.pictures.normalise`.
    """
    with opened(data) as image:
        if image.format == "TIFF" or not (parts := boxes(*whole_size(image), limits, most)):
            return []
        return cut(whole(image), parts, limits, lossy=is_lossy(image, data))
