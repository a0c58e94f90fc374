"""How many tokens Kimi-VL makes of a picture."""

from __future__ import annotations

import math

PATCH = 14
"""Pixels of a patch's side."""
BLOCK = 2 * PATCH
"""Pixels of the side of a block, which is 2 x 2 patches and one token of the prompt."""


def blocks(width: float, height: float, pixel_limit: float) -> int:
    """The blocks of a picture; the model itself scales down one above its limit."""
    scale = min(1.0, math.sqrt(pixel_limit / max(1, width * height)))
    return math.ceil(width * scale / BLOCK) * math.ceil(height * scale / BLOCK)
