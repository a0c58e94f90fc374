"""Who is at the page: on loopback the one local user, without a form; otherwise whoever knows the password."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import chainlit as cl
import jwt
from chainlit.auth import get_token_from_cookies, set_auth_cookie
from chainlit.auth.jwt import create_jwt, decode_jwt
from chainlit.server import sio
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.config import Settings, secret

LOCAL_USER = "local"
SHARED_USER = "shared"

_PASSWORD_BYTES = 9
"""Twelve characters to type."""


def set_up_login(settings: Settings) -> None:
    """Registers with Chainlit how people sign in."""
    if settings.loopback:
        # Host and Origin are checked before any request comes this far (guards.HostAndOrigin).
        @cl.header_auth_callback
        async def local_user(headers: Headers) -> cl.User:
            return cl.User(identifier=LOCAL_USER)

        return
    expected = page_password(settings)

    @cl.password_auth_callback
    async def shared_password(username: str, password: str) -> cl.User | None:
        if not hmac.compare_digest(password.encode("utf-8", "surrogatepass"), expected.encode()):
            return None
        return cl.User(identifier=SHARED_USER, display_name=username[:40])


class LocalSignIn:
    """Plain ASGI: hands the local user's cookie out with the page itself.

    Chainlit's page asks who it is first and signs in after the refusal; this spares it the refusal.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wants_page = (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and "text/html" in Headers(scope=scope).get("accept", "")
        )
        if not wants_page or _signed_in(Request(scope)):
            await self._app(scope, receive, send)
            return
        cookie = Response()
        set_auth_cookie(Request(scope), cookie, create_jwt(cl.User(identifier=LOCAL_USER)))

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *(h for h in cookie.raw_headers if h[0] == b"set-cookie")]
            await send(message)

        await self._app(scope, receive, with_cookie)


def _signed_in(request: Request) -> bool:
    token = get_token_from_cookies(request.cookies)
    try:
        return token is not None and decode_jwt(token).identifier == LOCAL_USER
    except jwt.InvalidTokenError:
        return False


def page_password(settings: Settings) -> str:
    """The password of a page that others can reach: `KIMI_PASSWORD`, else one made once for this workspace."""
    return settings.password.get_secret_value() or secret(settings.files.password, _PASSWORD_BYTES)


def guard_session_ids() -> None:
    """Lets only canonical random ids become sessions.

    The browser chooses its session's id, and Chainlit makes a folder of that name, and deletes it: `../..` must not
    get there.
    """
    connect: Callable[..., Awaitable[Any]] = sio.handlers["/"]["connect"]

    async def guarded(sid: str, environ: dict[str, Any], auth: Any) -> Any:
        if not isinstance(auth, dict) or not is_session_id(auth.get("sessionId")):
            raise ConnectionRefusedError("bad session id")
        if auth.get("threadId") and not is_session_id(auth["threadId"]):
            raise ConnectionRefusedError("bad thread id")
        for key in ("userEnv", "chatProfile"):
            if not isinstance(auth.get(key), str | None):
                raise ConnectionRefusedError("bad session")
        return await connect(sid, environ, auth)

    sio.on("connect", guarded)


def is_session_id(value: object) -> bool:
    """Whether it is a UUID of version 4 as browsers write it."""
    if not isinstance(value, str):
        return False
    try:
        parsed = uuid.UUID(value)
    except ValueError:
        return False
    return parsed.version == 4 and str(parsed) == value
