"""Our own tools for pictures: pure functions from a picture's bytes, arguments and limits to a text and pictures.

Positions are fractions of width and height, 0 to 1 from the upper left, as a model sees no pixels.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from app.files.pictures import PictureLimits, target_size

_SMALLEST = 8
"""The least pixels of a region's side."""
_ZOOMED_SIDE = 1024
_MOST_ROWS = 400
_FILTER = Image.Resampling.LANCZOS


class LookError(Exception):
    """The arguments make no sense; the text says why, for the model."""


def crop(data: bytes, given: Mapping[str, Any], limits: PictureLimits) -> tuple[str, list[bytes]]:
    """A region as it is, or scaled down to what the model takes."""
    picture = _opened(data)
    box = _box(picture, given)
    region = picture.crop(box)
    size = target_size(*region.size, limits)
    said = _described(picture, box)
    if size != region.size:
        region, said = region.resize(size, _FILTER), f"{said}, scaled down to {size[0]} x {size[1]}"
    return said, [_png(region)]


def zoom(data: bytes, given: Mapping[str, Any], limits: PictureLimits) -> tuple[str, list[bytes]]:
    """A region, enlarged so that its longer side has 1024 pixels."""
    picture = _opened(data)
    box = _box(picture, given)
    region = picture.crop(box)
    scale = max(1.0, _ZOOMED_SIDE / max(region.size))
    if scale == 1.0:
        return crop(data, given, limits)
    size = (max(1, round(region.width * scale)), max(1, round(region.height * scale)))
    return f"{_described(picture, box)}, enlarged {scale:.1f} times", [_png(region.resize(size, _FILTER))]


def measure(data: bytes, given: Mapping[str, Any], _: PictureLimits) -> tuple[str, list[bytes]]:
    """The distance between two points in pixels, and the colour at each."""
    picture = _opened(data)
    (ax, ay), (bx, by) = (_point(picture, given, name) for name in ("from", "to"))
    colours = [_colour(picture, *point) for point in ((ax, ay), (bx, by))]
    facts = {
        "picture": {"width": picture.width, "height": picture.height},
        "from": {"x": ax, "y": ay, "colour": colours[0]},
        "to": {"x": bx, "y": by, "colour": colours[1]},
        "pixels": {"distance": round(math.hypot(bx - ax, by - ay), 1), "across": bx - ax, "down": by - ay},
    }
    return json.dumps(facts), []


def read_text(data: bytes, given: Mapping[str, Any], limits: PictureLimits) -> tuple[str, list[bytes]]:
    """The text in the picture or a region, line by line with its place."""
    # Imported here: the models take a second to load.
    import numpy as np  # noqa: PLC0415

    from engine.reader.reading.recogniser import Recogniser  # noqa: PLC0415

    picture = _opened(data)
    region = picture.crop(_box(picture, given)) if "left" in given else picture
    # No more pixels than the model would see, since reading takes time: a part is read at full resolution.
    region = region.resize(target_size(*region.size, limits), _FILTER)
    pixels = np.asarray(region)[:, :, ::-1]
    lines = Recogniser(1).read(np.ascontiguousarray(pixels), lambda done, total: None)
    rows = [
        {
            "text": line.text,
            "box": [
                round(line.left / region.width, 3), round(line.top / region.height, 3),
                round(line.right / region.width, 3), round(line.bottom / region.height, 3),
            ],
        }
        for line in lines[:_MOST_ROWS]
        if line.text
    ]  # fmt: skip
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) or "There is no text in it.", []


LOOKS: Mapping[str, Callable[[bytes, Mapping[str, Any], PictureLimits], tuple[str, list[bytes]]]] = {
    "crop": crop,
    "zoom": zoom,
    "measure": measure,
    "read_text": read_text,
}


def _opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB")


def _fraction(given: Mapping[str, Any], name: str) -> float:
    value = given.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise LookError(f"{name} must be a number from 0 to 1: a fraction of the picture's width or height.")
    return float(value)


def _box(picture: Image.Image, given: Mapping[str, Any]) -> tuple[int, int, int, int]:
    left, top, right, bottom = (_fraction(given, name) for name in ("left", "top", "right", "bottom"))
    if left >= right or top >= bottom:
        raise LookError("left must be less than right, and top less than bottom.")
    x, y = min(round(left * picture.width), picture.width - 1), min(round(top * picture.height), picture.height - 1)
    return (
        x,
        y,
        min(max(round(right * picture.width), x + _SMALLEST), picture.width),
        min(max(round(bottom * picture.height), y + _SMALLEST), picture.height),
    )


def _point(picture: Image.Image, given: Mapping[str, Any], name: str) -> tuple[int, int]:
    across, down = _fraction(given, f"{name}_x"), _fraction(given, f"{name}_y")
    return min(int(across * picture.width), picture.width - 1), min(int(down * picture.height), picture.height - 1)


def _colour(picture: Image.Image, x: int, y: int) -> str:
    pixel = picture.getpixel((x, y))
    assert isinstance(pixel, tuple)
    return "#" + "".join(f"{int(value):02x}" for value in pixel)


def _described(picture: Image.Image, box: tuple[int, int, int, int]) -> str:
    return f"Region {box[2] - box[0]} x {box[3] - box[1]} pixels of a picture with {picture.width} x {picture.height}"


def _png(picture: Image.Image) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, "PNG")
    return sink.getvalue()
