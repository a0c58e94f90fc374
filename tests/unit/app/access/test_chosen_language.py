"""The language that a user chose counts more than the browser's, for requests and for sockets."""

from __future__ import annotations

from typing import Any

import pytest

from app.access.chosen_language import ChosenLanguage
from app.i18n import language_of


@pytest.mark.parametrize(
    ("cookie", "language"),
    [
        ("kimi-language=zh", "zh"),
        ("a=b; kimi-language=en", "en"),
        ("", "zh"),
        ("kimi-language=fr", "zh"),
        ("kimi-language=", "zh"),
        ("kimi-languages=en", "zh"),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_the_chosen_language_replaces_the_browsers(kind: str, cookie: str, language: str) -> None:
    seen: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    nothing: Any = None
    headers = [(b"accept-language", b"zh-CN,zh;q=0.9"), (b"cookie", cookie.encode()), (b"host", b"page")]
    await ChosenLanguage(app)({"type": kind, "headers": headers}, nothing, nothing)
    found = dict(seen[0]["headers"])
    assert language_of(found[b"accept-language"].decode()) == language
    assert (found[b"host"], found[b"cookie"]) == (b"page", cookie.encode())
