"""The language that a user chose on the page, in a cookie, in the place of the browser's."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.i18n import LANGUAGES

COOKIE = "kimi-language"
"""Set by public/page.js, and read by app/frontend/boot.js, too."""
_TAGS = {"en": b"en-US", "zh": b"zh-CN"}


class ChosenLanguage:
    """Plain ASGI: everything behind it sees the chosen language as the browser's `Accept-Language`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        if scope["type"] in {"http", "websocket"} and (chosen := _chosen(Headers(scope=scope).get("cookie", ""))):
            others = [item for item in scope["headers"] if item[0].lower() != b"accept-language"]
            scope = {**scope, "headers": [*others, (b"accept-language", _TAGS[chosen])]}
        await self._app(scope, receive, send)


def _chosen(cookies: str) -> str:
    if COOKIE not in cookies:
        return ""
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found and found.value in LANGUAGES else ""
