"""A program's request body → the body for the engine: all fields that are set, unchanged, the pictures checked.

The body is parsed and serialised again, so that the engine cannot read it differently (a field named twice, a number
on which parsers disagree).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from app.api.errors import bad_request
from app.api.structured import check_format
from app.api.tool_pictures import moved_out_of_results
from app.json_values import too_many_values

Json = dict[str, Any]
TEXTS = {"text", "refusal", "thinking", "input_text", "output_text"}
"""Types of parts that are text."""
_MEDIA = re.compile(r"url|uuid|image|audio|video|embed|file|^data$", re.IGNORECASE)
"""Fields in which engines accept media. vLLM looks for them in a part of any type, and fetches a picture by its `uuid`
from its cache, which has other users' pictures."""
_MOST_VALUES = 500_000
"""A legitimate body is large because of its pictures, each of which is one value. A hundred megabytes of empty lists
would block the parser, which holds the interpreter's lock, for a minute and fill gigabytes."""
_PARTS = "take parts of type text, image_url with a picture, or video_url with a video"

_EXAMPLES = {
    "image_url": 'A picture is {"type": "image_url", "image_url": {"url": "data:image/png;base64,…"}}.',
    "video_url": 'A video is {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,…"}}.',
}
"""The parts of messages that hold a picture or a video."""


@dataclass
class PictureSlot:
    """A picture's or a video's position in the request. `path` names it: `messages[0].content[1]`."""

    image: Json
    """The object that holds its URL, as `field`."""
    path: str
    field: str = "url"
    around: list[Any] | None = None
    """Of a video, the parts of the message, in which its frames take its place."""

    @property
    def url(self) -> str:
        """Its URL."""
        return str(self.image[self.field])

    @url.setter
    def url(self, value: str) -> None:
        self.image[self.field] = value

    def replace_by(self, parts: list[Json]) -> None:
        """Puts `parts` in the place of a video."""
        around = self.around or []
        at = next(n for n, part in enumerate(around) if isinstance(part, dict) and part.get("video_url") is self.image)
        around[at : at + 1] = parts


Pictures = Callable[[Json], Iterator[PictureSlot]]


class CompletionRequest:
    """A request for an answer: a chat completion, unless `pictures` looks at another kind."""

    def __init__(self, body: bytes | bytearray, pictures: Pictures | None = None) -> None:
        """Raises ApiError (400) for an invalid request. `pictures` checks its fields and finds its pictures."""
        if too_many_values(body, _MOST_VALUES):
            raise bad_request(f"The body holds more than {_MOST_VALUES:,} values.", code="too_many_values")
        try:
            parsed = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise bad_request(f"The body is not JSON: {error}", code="invalid_json") from None
        if not isinstance(parsed, dict):
            raise bad_request("The body must be a JSON object.", code="invalid_json")
        _check_model(parsed)
        # Clients send null for what is not set; some engines reject it.
        self._fields: Json = {name: value for name, value in parsed.items() if value is not None}
        find = pictures or message_pictures
        self.pictures: list[PictureSlot] = list(find(self._fields))
        if find is message_pictures:
            self._fields["messages"] = moved_out_of_results(self._fields["messages"])

    @property
    def model(self) -> str | None:
        """The model's name; None leaves the choice to the engine, as vLLM and SGLang do."""
        return self._fields.get("model") or None

    @model.setter
    def model(self, name: str) -> None:
        self._fields["model"] = name

    def encode(self) -> bytes:
        """The body for the engine.

        Raises:
            ApiError: it is nested too deeply.
        """
        try:
            return orjson.dumps(self._fields)
        except orjson.JSONEncodeError:
            raise bad_request("The body is nested too deeply.", code="invalid_json") from None


def _check_model(fields: Json) -> None:
    if not isinstance(fields.get("model"), str | None):
        raise bad_request("model must be a string; GET /v1/models lists the names.", "model")


def message_pictures(fields: Json) -> Iterator[PictureSlot]:
    """The pictures of a chat completion request. Raises ApiError (400) for what is no such request."""
    check_format(fields.get("response_format"), "response_format")
    messages = fields.get("messages")
    if not isinstance(messages, list) or not messages:
        raise bad_request("messages must be a list with at least one message.", "messages")
    for at, message in enumerate(messages):
        path = f"messages[{at}]"
        if not isinstance(message, dict):
            raise bad_request("A message must be an object with role and content.", path)
        content = message.get("content")
        if isinstance(content, list):
            for number, part in enumerate(content):
                yield from _slot(part, f"{path}.content[{number}]", content)
        elif not isinstance(content, str | None):
            raise bad_request("content must be a string, or a list of parts.", f"{path}.content")


def _slot(part: object, path: str, around: list[Any]) -> Iterator[PictureSlot]:
    """The picture or video of one part of a message's content, if it holds one."""
    if isinstance(part, str):
        return
    if not isinstance(part, dict):
        raise bad_request(f"Messages {_PARTS}.", path)
    kind = part.get("type")
    if isinstance(kind, str) and kind in _EXAMPLES:
        no_other_media(part, path, allowed=kind)
        if isinstance(part.get(kind), str):
            part[kind] = {"url": part[kind]}
        held = part.get(kind)
        if not isinstance(held, dict) or not isinstance(held.get("url"), str):
            raise bad_request(_EXAMPLES[kind], path)
        no_other_media(held, path, allowed="url")
        yield PictureSlot(held, path, around=around if kind == "video_url" else None)
    elif isinstance(kind, str) and kind in TEXTS:
        no_other_media(part, path)
    else:
        raise bad_request(f"Messages {_PARTS}; this one is of type {str(kind)[:40]!r}.", path)


def no_other_media(part: Json, path: str | None, instead: str = f"messages {_PARTS}", *, allowed: str = "") -> None:
    """Takes out of `part` the media fields that are null. Raises ApiError for any that holds something."""
    for name in [name for name in part if name != allowed and _MEDIA.search(name)]:
        if part.pop(name) is not None:
            raise bad_request(f"The field {name[:40]!r} is not taken here: {instead}.", path)
