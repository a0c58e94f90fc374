"""Prepares a picture like Kimi-VL's own processor, for an engine that does not.

It is scaled to a limit of patches, and padded with black on the right and at the bottom to whole blocks, each of which
is one token of the prompt.

Source: image_processing_kimi_vl.py in https://huggingface.co/moonshotai/Kimi-VL-A3B-Thinking-2506
"""

from __future__ import annotations

import io
import math
from functools import lru_cache
from pathlib import Path

from PIL import Image

from engine.formats.picture_tokens import BLOCK, PATCH

_REMEMBERED = 16
"""Pictures, of a megabyte or three each: those of a chat are asked for with each of its turns."""


@lru_cache(_REMEMBERED)
def padded_file(path: Path, patches: int) -> bytes:
    """`padded` of a file whose name changes with its content.

    Raises:
        OSError: it can't be read.
    """
    return padded(path.read_bytes(), patches)


def padded(data: bytes, patches: int) -> bytes:
    """A PNG of the picture with sides that are multiples of `BLOCK`, and at most `patches` patches before the padding.

    `data` is a PNG or JPEG that this product has written.
    """
    with Image.open(io.BytesIO(data)) as image:
        scaled = image.convert("RGB")
    size = scaled_size(*scaled.size, patches)
    if size != scaled.size:
        scaled = scaled.resize(size, Image.Resampling.BICUBIC)
    width, height = size
    whole = Image.new("RGB", (width + -width % BLOCK, height + -height % BLOCK))
    whole.paste(scaled)
    file = io.BytesIO()
    whole.save(file, "PNG", compress_level=1)
    return file.getvalue()


def scaled_size(width: int, height: int, patches: int) -> tuple[int, int]:
    """The picture's size within the limit, in pixels."""
    found = (width // PATCH) * (height // PATCH)
    if found <= patches:
        return width, height
    scale = math.sqrt(patches / found)
    return max(1, int(width * scale)), max(1, int(height * scale))
