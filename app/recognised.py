"""Says of each request who it comes from that has signed in, so that its connection does not give way to a flood."""

from __future__ import annotations

import jwt
from chainlit.auth import get_token_from_cookies
from chainlit.auth.jwt import decode_jwt
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from app.connections import recognise


class Recognised:
    """Plain ASGI; inside `StillWelcome`, which takes away the cookies that no longer hold."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _signed_in(scope):
            recognise(scope)
        await self._app(scope, receive, send)


def _signed_in(scope: Scope) -> bool:
    token = get_token_from_cookies(HTTPConnection(scope).cookies)
    try:
        return token is not None and bool(decode_jwt(token))
    except (jwt.InvalidTokenError, TypeError):
        return False
