"""Requests and errors for the tests of the API."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import httpx
from PIL import Image

Raw = Callable[..., httpx.Response]
"""Sends any request to the page, with a valid key unless `headers` say otherwise."""

CHAT = "/v1/chat/completions"
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


def png(width: int = 40, height: int = 30) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(file, "PNG")
    return file.getvalue()


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def picture(url: Any, **further: Any) -> list[dict[str, Any]]:
    part = {"type": "image_url", "image_url": {"url": url}, **further}
    return [{"role": "user", "content": [part, {"type": "text", "text": "What is it?"}]}]


def ask(raw: Raw, messages: Any = HELLO, **fields: Any) -> httpx.Response:
    return raw("POST", CHAT, json={"model": "scripted", "messages": messages, **fields})


def error(response: httpx.Response) -> dict[str, Any]:
    """The error, which must be in OpenAI's format."""
    [(word, body)] = response.json().items()
    assert word == "error"
    assert set(body) == {"message", "type", "param", "code"}
    assert isinstance(body["message"], str)
    return dict(body)
