"""A program's request to `/v1/responses`, OpenAI's newer API: what of it the page looks at.

Nothing is kept from one request to the next: a response's id would open it to every key.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.api.completion_request import TEXTS, Json, PictureSlot, no_other_media
from app.api.errors import bad_request
from app.api.structured import check_format

_ITEMS = {"message", "function_call", "function_call_output", "reasoning"}
_TEXTS = TEXTS | {"reasoning_text", "summary_text"}
_KEPT = ("previous_response_id", "conversation", "prompt", "background")
"""Fields that need a server that keeps responses."""
_PARTS = "input holds texts (input_text) and pictures (input_image with image_url)"


def input_pictures(fields: Json) -> Iterator[PictureSlot]:
    """The pictures of the request; sees to it that the engine keeps nothing of it.

    Raises:
        ApiError: it is no such request, or one that the page can't check (400).
    """
    for name in _KEPT:
        if fields.get(name):
            raise bad_request(f"{name} is not taken: no response is kept here; send the whole thread as input.", name)
    fields["store"] = False
    if not isinstance(fields.get("instructions"), str | None):
        raise bad_request("instructions must be a string.", "instructions")
    _check_tools(fields.get("tools"))
    form = fields.get("text")
    check_format(form.get("format") if isinstance(form, dict) else None, "text.format", None)
    given = fields.get("input")
    if isinstance(given, list) and given:
        for at, item in enumerate(given):
            yield from _of_item(item, f"input[{at}]")
    elif not isinstance(given, str):
        raise bad_request("input must be a string, or a list of items.", "input")


def _check_tools(tools: object) -> None:
    """Only functions, which the program runs itself: other tools have the engine fetch or run things."""
    for at, tool in enumerate(tools if isinstance(tools, list) else [] if tools is None else [tools]):
        if not isinstance(tool, dict) or tool.get("type") != "function":
            raise bad_request("Tools of type function are taken, and no others.", f"tools[{at}]")


def _of_item(item: object, path: str) -> Iterator[PictureSlot]:
    if not isinstance(item, dict):
        raise bad_request("An item of input must be an object, such as a message with role and content.", path)
    kind = item.get("type") or "message"
    if not isinstance(kind, str) or kind not in _ITEMS:
        raise bad_request(f"Items are taken of type {', '.join(sorted(_ITEMS))}; not {str(kind)[:40]!r}.", path)
    no_other_media(item, path)
    for name in ("content", "output", "summary"):
        parts = item.get(name)
        if isinstance(parts, list):
            for number, part in enumerate(parts):
                yield from _of_part(part, f"{path}.{name}[{number}]")
        elif not isinstance(parts, str | None):
            raise bad_request(f"{name} must be a string, or a list of parts.", f"{path}.{name}")


def _of_part(part: object, path: str) -> Iterator[PictureSlot]:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise bad_request(f"This is no part: {_PARTS}.", path)
    if part["type"] == "input_image":
        no_other_media(part, path, allowed="image_url")
        if not isinstance(part.get("image_url"), str):
            raise bad_request('A picture is {"type": "input_image", "image_url": "data:image/png;base64,…"}.', path)
        yield PictureSlot(part, path, "image_url")
    elif part["type"] in _TEXTS:
        no_other_media(part, path)
    else:
        raise bad_request(f"A part of type {part['type'][:40]!r} is not taken: {_PARTS}.", path)
