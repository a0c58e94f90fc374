"""Pixels that are not square: a fax has twice as many dots to an inch across as down, and its file says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Below this nobody sees it; above it the file is mistaken, since no scanner and no fax has such pixels.
_LEAST, _MOST = 1.1, 4.0


def squared_size(size: tuple[int, int], info: Mapping[Any, Any]) -> tuple[int, int]:
    """Return the size in square pixels of a picture of `size`, so that no dot of it is lost.

    `info` is Pillow's: `dpi` of TIFF, PNG and JPEG, or the bare proportion that TIFF (`resolution`), PNG (`aspect`) and
    JPEG (`jfif_density`) may give instead.
    """
    width, height = size
    across, down = _density(info)
    if across <= 0 or down <= 0 or not _LEAST <= max(across, down) / min(across, down) <= _MOST:
        return size
    if across > down:
        return width, round(height * across / down)
    return round(width * down / across), height


def _density(info: Mapping[Any, Any]) -> tuple[float, float]:
    for key in ("dpi", "aspect", "resolution", "jfif_density"):
        try:
            across, down = (float(value) for value in info[key])
        except (KeyError, TypeError, ValueError, ZeroDivisionError):  # TIFF has fractions
            continue
        return across, down
    return 0.0, 0.0
