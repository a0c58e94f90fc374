"""A program's request to `/v1/completions`, which goes on with a text and has no pictures."""

from __future__ import annotations

from collections.abc import Iterator

from app.api.completion_request import Json, PictureSlot, no_other_media
from app.api.errors import bad_request


def prompt_pictures(fields: Json) -> Iterator[PictureSlot]:
    """None; but sees to it that there are none, by any other way in (`prompt_embeds`, llama.cpp's `multimodal_data`).

    Raises:
        ApiError: there is one, or it is no such request (400).
    """
    no_other_media(fields, None, "a prompt is text; POST /v1/chat/completions takes pictures")
    prompt = fields.get("prompt")
    if not (isinstance(prompt, str) or (isinstance(prompt, list) and prompt and all(map(_is_text, prompt)))):
        raise bad_request("prompt must be a string, or a list of strings or of tokens.", "prompt")
    yield from ()


def _is_text(part: object) -> bool:
    """Whether it is a text, a token, or a text as tokens."""
    if isinstance(part, list):
        return all(isinstance(token, int) for token in part)
    return isinstance(part, str | int)
