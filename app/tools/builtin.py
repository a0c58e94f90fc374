"""Our own tools, which look closer at the pictures of a chat."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.files.originals import best_of
from app.files.pictures import PictureLimits
from app.talk.conversation import Picture
from app.tools.look_process import look
from app.tools.tool import Outcome, Tool

_FRACTION = {"type": "number", "minimum": 0, "maximum": 1}
_PICTURE = {"type": "integer", "minimum": 1, "description": "Number of the picture in this chat."}
_REGION = dict.fromkeys(("left", "top", "right", "bottom"), _FRACTION)
_DETAIL = "It may show finer detail than the picture itself, which is scaled down before you see it."
_NOTE = "Positions are fractions of the picture's width and height, from 0 (left, top) to 1 (right, bottom)."


def _tool(name: str, description: str, more: Mapping[str, Any], required: Sequence[str]) -> Tool:
    schema = {"type": "object", "properties": {"picture": _PICTURE, **more}, "required": ["picture", *required]}
    return Tool(name=name, title=name, description=f"{description} {_NOTE}", schema=schema, unasked=True)


_POINTS = dict.fromkeys(("from_x", "from_y", "to_x", "to_y"), _FRACTION)
BUILTIN = (
    _tool("crop", f"Returns a region of a picture of this chat. {_DETAIL}", _REGION, list(_REGION)),
    _tool("zoom", f"Returns a region of a picture of this chat, enlarged. {_DETAIL}", _REGION, list(_REGION)),
    _tool("read_text", "Reads the text in a picture, or a region of it, by OCR: each line with its box.", _REGION, []),
    _tool("measure", "Measures the distance between two points in pixels, and their colours.", _POINTS, list(_POINTS)),
)
"""They change nothing and see nothing but this chat's pictures, so they run unasked."""


async def call_builtin(
    name: str, arguments: Mapping[str, Any], pictures: Sequence[Picture], limits: PictureLimits, person: str = ""
) -> Outcome:
    """Calls one of them on the pictures of a chat, oldest first; the calls of each `person` are served in turn.

    `limits` are the model's, and so those of the pictures that it is given.
    """
    number = arguments.get("picture")
    if not isinstance(number, int) or not 1 <= number <= len(pictures):
        return Outcome(f"There is no picture {number}; this chat has {len(pictures)}.", failed=True)
    try:
        path = await asyncio.to_thread(best_of, Path(pictures[number - 1].path))
        data = await asyncio.to_thread(path.read_bytes)
        return await look(name, arguments, data, limits, person)
    except OSError:
        return Outcome(f"Picture {number} can't be read any more.", failed=True)
