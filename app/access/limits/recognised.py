"""Says of each request who it comes from that has signed in, so that its connection does not give way to a flood."""

from __future__ import annotations

import jwt
from chainlit.auth import get_token_from_cookies
from chainlit.auth.jwt import decode_jwt
from chainlit.user import User
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.limits.connections import recognise


class Recognised:
    """Plain ASGI; inside `StillWelcome`, which takes away the cookies that no longer hold."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (owner := owner_of(HTTPConnection(scope).cookies)):
            recognise(scope, owner)
        await self._app(scope, receive, send)


def owner_of(cookies: dict[str, str]) -> str | None:
    """Whom the login in these cookies names, as `owner_name`; None: nobody."""
    user = user_in(cookies)
    return owner_name(user) if user else None


def owner_name(user: User) -> str:
    """A person's name for the limits: of those who share a password, each has their own."""
    return f"{user.identifier}\0{user.display_name or ''}"


def user_in(cookies: dict[str, str]) -> User | None:
    """The user whose login is in these cookies; None: there is none, or its time is over."""
    token = get_token_from_cookies(cookies)
    try:
        return decode_jwt(token) if token else None
    except (jwt.InvalidTokenError, TypeError):
        return None
