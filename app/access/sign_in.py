"""How users sign in: on loopback as the one local user, without a form; otherwise in one of four ways.

These are a personal name and password (`./start.sh user add NAME`), the shared password, a header from a proxy in front
(`KIMI_AUTH_HEADER`), or an OAuth provider that Chainlit supports (`OAUTH_…`, `KIMI_OAUTH_PEOPLE`).
"""

from __future__ import annotations

import asyncio
import logging

import chainlit as cl
from chainlit.auth import get_token_from_cookies, set_auth_cookie
from chainlit.auth.jwt import create_jwt
from chainlit.oauth_providers import get_configured_oauth_providers
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.devices import known_device, remember
from app.access.guesses import Guesses, TooManyGuessesError
from app.access.logins import Login
from app.access.rules import Rules
from app.access.sign_in_request import sign_in_request
from app.access.still_allowed import forgive_a_clock_set_back, header_identity, header_name
from engine.access.passwords import LOCAL_USER, SHARED_USER, People
from engine.config import Settings

_AT_ONCE = 2
"""How many passwords are checked at once, each of which needs 64 MB for a moment."""
_LONGEST_NAME = 40
LONGEST_PASSWORD = 1000
"""In characters."""
_LONGEST_IDENTITY = 200
_log = logging.getLogger("app.access.sign_in")


def set_up_login(settings: Settings, people: People, rules: Rules) -> None:
    """Registers the sign-in callbacks with Chainlit."""
    forgive_a_clock_set_back()
    if settings.sign_in == "header":
        _sign_in_by_header(settings.auth_header, rules)
    elif settings.sign_in == "local":
        # guards.HostAndOrigin has checked the request before it gets here.
        @cl.header_auth_callback
        async def local_user(headers: Headers) -> cl.User:
            return user_for(rules.begin(LOCAL_USER, "local"))

    else:
        # Generated now if there is none, so that the owner can find it.
        rules.shared.current()
        _sign_in_by_password(people, rules)
        if get_configured_oauth_providers():
            _sign_in_by_oauth(settings.oauth_people, rules)


def user_for(login: Login, shown: str | None = None) -> cl.User:
    """The user of a login, as Chainlit puts it into the token; `shown` is the name on the page."""
    return cl.User(identifier=login.identity, display_name=shown and shown[:_LONGEST_NAME], metadata=login.metadata())


def _sign_in_by_header(name: str, rules: Rules) -> None:
    @cl.header_auth_callback
    async def named_by_the_proxy(headers: Headers) -> cl.User | None:
        value = header_name(headers.get(name, ""))
        # Anything longer is not a name, and would not fit into a cookie.
        if not 0 < len(value) <= _LONGEST_IDENTITY:
            return None
        return user_for(rules.begin(header_identity(value), "header"), value)


def _sign_in_by_password(people: People, rules: Rules) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)
    guesses = Guesses()

    async def login_for(username: str, password: str, name: str | None, mark: str) -> Login | None:
        async with gate:
            own = await asyncio.to_thread(people.verify, username, password)
        if name is not None:
            # The shared password does not work for a named account.
            return rules.begin(name, "own", mark) if own else None
        right = rules.takes_shared() and rules.shared.matches(password)
        return rules.begin(SHARED_USER, "shared", mark) if right else None

    @cl.password_auth_callback
    async def password(username: str, password: str) -> cl.User | None:
        if len(password) > LONGEST_PASSWORD:
            return None
        request, name = sign_in_request.get(), people.find(username)
        # Read before the check, so that a login made while the password changes is invalid.
        account, mark = name or SHARED_USER, people.mark(name) or "" if name else rules.shared.mark
        device = known_device(request.cookie, account, mark)
        try:
            async with guesses.one(account, request.address, device) as forgive:
                if (login := await login_for(username, password, name, mark)) is None:
                    return None
                forgive()
        except TooManyGuessesError as refusal:
            request.wait = refusal.seconds
            return None
        request.remember = remember(request.cookie, account, mark)
        # One account for all who share the password, whatever name they give.
        return user_for(login)


def _sign_in_by_oauth(allowed: str, rules: Rules) -> None:
    if not allowed:
        _log.warning("no one may sign in by OAuth until KIMI_OAUTH_PEOPLE lists them")

    @cl.oauth_callback
    async def known_to_the_provider(
        provider: str, token: str, raw: dict[str, str], user: cl.User, id_token: str | None = None
    ) -> cl.User | None:
        if not rules.oauth_allows(provider, user.identifier):
            _log.warning("%s may not sign in by %s: KIMI_OAUTH_PEOPLE does not list them", user.identifier, provider)
            return None
        return user_for(rules.begin(f"{provider}:{user.identifier}", "oauth"), user.identifier)


class LocalSignIn:
    """Plain ASGI: sends the local user's cookie along with the page itself.

    Otherwise Chainlit's page would sign in only after its first request was rejected.
    """

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        wants_page = (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and "text/html" in Headers(scope=scope).get("accept", "")
        )
        # An invalid login has already been removed (still_allowed.StillWelcome).
        if not wants_page or get_token_from_cookies(Request(scope).cookies):
            await self._app(scope, receive, send)
            return
        cookie = Response()
        set_auth_cookie(Request(scope), cookie, create_jwt(user_for(self._rules.begin(LOCAL_USER, "local"))))

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *(h for h in cookie.raw_headers if h[0] == b"set-cookie")]
            await send(message)

        await self._app(scope, receive, with_cookie)
