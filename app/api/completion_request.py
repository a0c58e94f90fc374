"""A program's request body → the body for the engine: all fields unchanged, the pictures checked.

The body is parsed and serialised again, so that the engine cannot read it differently (a field named twice, a number
on which parsers disagree).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from app.api.errors import bad_request
from app.json_values import too_many_values

Json = dict[str, Any]
_TEXTS = {"text", "refusal", "thinking", "input_text", "output_text"}
_MEDIA = re.compile(r"url|uuid|image|audio|video|embed|file|^data$", re.IGNORECASE)
"""Fields in which engines accept media. vLLM looks for them in a part of any type, and fetches a picture by its `uuid`
from its cache, which has other users' pictures."""
_MOST_VALUES = 500_000
"""A legitimate body is large because of its pictures, each of which is one value. A hundred megabytes of empty lists
would block the parser, which holds the interpreter's lock, for a minute and fill gigabytes."""
_PARTS = "take parts of type text, or image_url with a picture"


@dataclass
class PictureSlot:
    """A picture's position in the request. `path` names it: `messages[0].content[1]`."""

    image: Json
    """The part's `image_url` object."""
    path: str

    @property
    def url(self) -> str:
        """The picture's URL."""
        return str(self.image["url"])

    @url.setter
    def url(self, value: str) -> None:
        self.image["url"] = value


class CompletionRequest:
    """A chat completion request."""

    def __init__(self, body: bytes | bytearray) -> None:
        """Raises ApiError (400) for an invalid request."""
        if too_many_values(body, _MOST_VALUES):
            raise bad_request(f"The body holds more than {_MOST_VALUES:,} values.", code="too_many_values")
        try:
            parsed = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise bad_request(f"The body is not JSON: {error}", code="invalid_json") from None
        if not isinstance(parsed, dict):
            raise bad_request("The body must be a JSON object with model and messages.", code="invalid_json")
        self._fields: Json = parsed
        self.model: str | None = _model(parsed)
        self.pictures: list[PictureSlot] = list(_pictures(parsed.get("messages")))

    def encode(self) -> bytes:
        """The body for the engine.

        Raises:
            ApiError: it is nested too deeply.
        """
        try:
            return orjson.dumps(self._fields)
        except orjson.JSONEncodeError:
            raise bad_request("The body is nested too deeply.", code="invalid_json") from None


def _model(fields: Json) -> str | None:
    """The model's name; None leaves the choice to the engine, as vLLM and SGLang do."""
    model = fields.get("model")
    if model is not None and not isinstance(model, str):
        raise bad_request("model must be a string; GET /v1/models lists the names.", "model")
    return model or None


def _pictures(messages: object) -> Iterator[PictureSlot]:
    if not isinstance(messages, list) or not messages:
        raise bad_request("messages must be a list with at least one message.", "messages")
    for at, message in enumerate(messages):
        path = f"messages[{at}]"
        if not isinstance(message, dict):
            raise bad_request("A message must be an object with role and content.", path)
        content = message.get("content")
        if isinstance(content, list):
            for number, part in enumerate(content):
                yield from _slot(part, f"{path}.content[{number}]")
        elif not isinstance(content, str | None):
            raise bad_request("content must be a string, or a list of parts.", f"{path}.content")


def _slot(part: object, path: str) -> Iterator[PictureSlot]:
    """The picture of one part of a message's content, if it holds one."""
    if isinstance(part, str):
        return
    if not isinstance(part, dict):
        raise bad_request(f"Messages {_PARTS}.", path)
    kind = part.get("type")
    if kind == "image_url":
        _no_other_media(part, path, allowed="image_url")
        if isinstance(part.get("image_url"), str):
            part["image_url"] = {"url": part["image_url"]}
        image = part.get("image_url")
        if not isinstance(image, dict) or not isinstance(image.get("url"), str):
            raise bad_request(
                'A picture is {"type": "image_url", "image_url": {"url": "data:image/png;base64,…"}}.', path
            )
        _no_other_media(image, path, allowed="url")
        yield PictureSlot(image, path)
    elif isinstance(kind, str) and kind in _TEXTS:
        _no_other_media(part, path)
    else:
        raise bad_request(f"Messages {_PARTS}; this one is of type {str(kind)[:40]!r}.", path)


def _no_other_media(part: Json, path: str, allowed: str = "") -> None:
    for name in part:
        if name != allowed and _MEDIA.search(name):
            raise bad_request(f"The field {name[:40]!r} is not taken here: messages {_PARTS}.", path)
