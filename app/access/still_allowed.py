"""Who signed in some time ago, checked against today's rules with every request and on open sockets.

A login is a signed cookie that lasts for days. Who was taken out, has another password, signed out, or is another
person by the word of the proxy in front, is out at once.

A login ends by the clock, which may be wrong: what is open then stays open, and one that was made by a clock that has
been set back since counts.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import chainlit.auth
import chainlit.server
import jwt
from chainlit.auth import get_token_from_cookies
from chainlit.auth.jwt import decode_jwt
from chainlit.server import sio
from chainlit.session import WebsocketSession, ws_sessions_id
from chainlit.user import User
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, HTTPConnection, cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.limits.guards import refuse
from app.access.logins import HEADER_PREFIX, Login, ended_by_the_clock, login_in
from app.access.rules import Rules
from engine.access.ended_logins import LONGEST_LOGIN_SECONDS, EndedLogins

_LOOK_SECONDS = 2.0
_SWEPT_AT_ONCE = 100
"""Sessions that are looked at before others are served: a millisecond."""
_log = logging.getLogger("app.access.still_allowed")


class Welcome:
    """Knows who may still come in. `header` is the one in which a proxy names its people; empty: there is none.

    `give_up` ends what is being answered in a session whose person is out.
    """

    def __init__(
        self, rules: Rules, ended: EndedLogins, header: str, give_up: Callable[[WebsocketSession], None]
    ) -> None:
        self._rules = rules
        self._ended = ended
        self._header = header
        self._give_up = give_up

    def still(self, token: str, headers: Headers | None = None) -> bool:
        """Whether a login still counts; `headers` are those of a request that brings it, None: it is open already."""
        login = login_in(token)
        if login is None or not self._rules.allow(login):
            return False
        if headers is None:
            return True
        if login.kind == "header" and login.identity != header_identity(headers.get(self._header, "")):
            return False
        return not _too_old(login) and not ended_by_the_clock(token)

    def watches(self, token: str) -> bool:
        """Whether this login may see the status, the logs and the figures."""
        login = login_in(token)
        return login is not None and self._rules.may_watch(login)

    async def sign_out(self, token: str, *, everywhere: bool) -> Login | None:
        """Ends a login, or all of its account, with all that is open by them; None: it was no login of this page."""
        login = login_in(token)
        if login is None or not self.still(token):
            return None
        if everywhere:
            await asyncio.to_thread(self._ended.end_all, login.identity)
        else:
            await asyncio.to_thread(self._ended.end, login.identity, login.id, login.since)
        await self.sweep()
        return login

    async def keep_out(self) -> None:
        """Ends the live connections of those who are out, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self.sweep()
            except Exception as error:
                # A file of people that can't be read now, for one: the next look must not be missing for it.
                _log.error("who is out could not be looked up, and is again in %g s: %s", _LOOK_SECONDS, error)

    async def sweep(self) -> None:
        """Ends the live connections and running answers of those who are out now."""
        for number, session in enumerate(list(ws_sessions_id.values()), 1):
            if number % _SWEPT_AT_ONCE == 0:
                await asyncio.sleep(0)
            token = _token_of(session)
            if token and not self.still(token):
                self._give_up(session)
                session.token = None
                await sio.disconnect(session.socket_id)

    def guard_chainlit(self) -> None:
        """Has Chainlit itself refuse the tokens that no longer count, wherever it reads one.

        A socket may bring its token long after the request that opened it.
        """

        def decode(token: str) -> User:
            user = decode_jwt(token)
            login = login_in(token)
            if login is None or _too_old(login) or not self.still(token):
                raise jwt.InvalidTokenError
            return user

        for module in (chainlit.auth, chainlit.server):
            module.decode_jwt = decode  # type: ignore[attr-defined]


class StillWelcome:
    """Plain ASGI: takes a login that no longer counts off its request, so that it comes from nobody.

    A body that is still coming and a file that is still being sent end when their login does.
    """

    def __init__(self, app: ASGIApp, welcome: Welcome) -> None:
        self._app = app
        self._welcome = welcome

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            connection = HTTPConnection(scope)
            cookie = get_token_from_cookies(connection.cookies)
            if cookie and not self._welcome.still(cookie, connection.headers):
                scope = _without(scope, b"cookie")
            # Chainlit takes a login from here, too. What else comes here are the keys of programs.
            bearer = connection.headers.get("authorization", "").partition(" ")[2].strip()
            if login_in(bearer) and not self._welcome.still(bearer, connection.headers):
                scope = _without(scope, b"authorization")
            if cookie and scope["type"] == "http":
                await self._while_in(cookie, scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _while_in(self, token: str, scope: Scope, receive: Receive, send: Send) -> None:
        was_in = self._welcome.still(token)
        out, answered = False, False

        async def receive_while_in() -> Message:
            nonlocal out
            message = await receive()
            out = was_in and not self._welcome.still(token)
            return {"type": "http.disconnect"} if out else message

        async def send_while_in(message: Message) -> None:
            nonlocal answered
            # Not the last piece: it answers the person who signs out.
            if was_in and message.get("more_body") and not self._welcome.still(token):
                raise ClientDisconnect
            answered = True
            await send(message)

        await self._app(scope, receive_while_in, send_while_in)
        if out and not answered:
            await refuse(scope, receive, send, 401, "refused_stranger")


def _too_old(login: Login) -> bool:
    """Whether a login has been renewed for too long."""
    return login.since + LONGEST_LOGIN_SECONDS <= time.time()


def _token_of(session: WebsocketSession) -> str | None:
    """The login by which a session is connected, or was last.

    Chainlit keeps that of its first connection, also when the session goes on by another login.
    """
    environ = sio.get_environ(session.socket_id)
    if environ is None:
        return session.token
    return get_token_from_cookies(cookie_parser(environ.get("HTTP_COOKIE", "")))


def _without(scope: Scope, header: bytes) -> Scope:
    return {**scope, "headers": [item for item in scope["headers"] if item[0].lower() != header]}


def forgive_a_clock_set_back() -> None:
    """Lets a login count that was made at a time to come: Chainlit's own check has no setting for that."""
    jwt.decode.__self__.options["verify_iat"] = False  # type: ignore[attr-defined]


def header_identity(value: str) -> str:
    """The identity of somebody whom a proxy names."""
    return f"{HEADER_PREFIX}{header_name(value)}"


def header_name(value: str) -> str:
    """The name that a header holds, byte for byte.

    Only what HTTP calls blank is taken off. In UTF-8 `str.strip` would also take the last byte of 铠 and of 铅, and so
    make one account of two people.
    """
    return value.strip(" \t")
