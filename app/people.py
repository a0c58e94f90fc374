"""Who is at the page: on loopback the one local user, without a form; otherwise whoever signs in.

That is by a name and password of one's own (`./start.sh user add NAME`), by the shared password, by the word of a proxy
in front (`KIMI_AUTH_HEADER`), or by an OAuth provider that Chainlit knows (`OAUTH_…`, `KIMI_OAUTH_PEOPLE`).
"""

from __future__ import annotations

import asyncio
import hmac
import logging

import chainlit as cl
import jwt
from chainlit.auth import get_token_from_cookies, set_auth_cookie
from chainlit.auth.jwt import create_jwt, decode_jwt
from chainlit.oauth_providers import get_configured_oauth_providers
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.welcome import forgive_a_clock_set_back, header_identity
from engine.config import Settings, secret
from engine.people import People

LOCAL_USER = "local"
SHARED_USER = "shared"

_PASSWORD_BYTES = 9
"""Twelve characters to type."""
_AT_ONCE = 2
"""Checking a password takes 64 MB for a moment; more than so many at a time wait."""
_LONGEST_NAME = 40
_LONGEST_PASSWORD = 1000
_log = logging.getLogger("app.people")


def set_up_login(settings: Settings, people: People) -> None:
    """Registers with Chainlit how people sign in."""
    forgive_a_clock_set_back()
    if settings.auth_header:
        _sign_in_by_header(settings.auth_header)
    elif settings.for_this_machine:
        # Host and Origin are checked before any request comes this far (guards.HostAndOrigin).
        @cl.header_auth_callback
        async def local_user(headers: Headers) -> cl.User:
            return cl.User(identifier=LOCAL_USER)

    else:
        _sign_in_by_password(people, page_password(settings))
        if get_configured_oauth_providers():
            _sign_in_by_oauth(settings.oauth_people)


def _sign_in_by_header(name: str) -> None:
    @cl.header_auth_callback
    async def named_by_the_proxy(headers: Headers) -> cl.User | None:
        value = headers.get(name, "").strip()
        return cl.User(identifier=header_identity(value), display_name=value[:_LONGEST_NAME]) if value else None


def _sign_in_by_password(people: People, shared: str) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)

    @cl.password_auth_callback
    async def password(username: str, password: str) -> cl.User | None:
        if len(password) > _LONGEST_PASSWORD:
            return None
        async with gate:
            own = await asyncio.to_thread(people.verify, username, password)
        name = people.find(username)
        if name is not None:
            # Somebody's name is theirs alone: the shared password does not open it.
            return cl.User(identifier=name, metadata={"mark": people.mark(name)}) if own else None
        if not hmac.compare_digest(password.encode("utf-8", "surrogatepass"), shared.encode()):
            return None
        return cl.User(identifier=SHARED_USER, display_name=username[:_LONGEST_NAME])


def _sign_in_by_oauth(allowed: str) -> None:
    if not allowed:
        _log.warning("nobody may sign in by OAuth: KIMI_OAUTH_PEOPLE says who may")

    @cl.oauth_callback
    async def known_to_the_provider(
        provider: str, token: str, raw: dict[str, str], user: cl.User, id_token: str | None = None
    ) -> cl.User | None:
        if not is_listed(user.identifier, allowed):
            _log.warning("%s may not sign in by %s: KIMI_OAUTH_PEOPLE does not list them", user.identifier, provider)
            return None
        return cl.User(identifier=f"{provider}:{user.identifier}", display_name=user.identifier[:_LONGEST_NAME])


def is_listed(name: str, allowed: str) -> bool:
    """Whether a comma-separated list has this name, its `@domain`, or `*` for everybody."""
    entries = {entry.strip().casefold() for entry in allowed.split(",") if entry.strip()}
    name = name.casefold()
    domain = "@" + name.rpartition("@")[2] if "@" in name else ""
    return "*" in entries or name in entries or domain in entries


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
