"""Checks existing logins against the current rules, with every request and on open sockets.

A login is a signed cookie that lasts for days. It ends at once if the user is removed, changes the password or signs
out, or if the proxy in front names a different user.

A login also expires by the clock, which may be wrong. So sockets that are open when it expires stay open, and a login
made in the future, before the clock was set back, is valid.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial

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

from app.access.limits.guards import IS_ADMIN, refuse
from app.access.logins import HEADER_PREFIX, Login, ended_by_the_clock, login_in
from app.access.rules import Rules
from engine.access.ended_logins import LONGEST_LOGIN_SECONDS, EndedLogins

_LOOK_SECONDS = 2.0
_SWEPT_AT_ONCE = 100
"""Sessions checked before the event loop may run other tasks: about a millisecond."""
_log = logging.getLogger("app.access.still_allowed")


class Welcome:
    """Checks logins. `header` is the one in which a proxy names its users; empty if there is none.

    `give_up` stops the answers of a session whose login has ended.
    """

    def __init__(
        self, rules: Rules, ended: EndedLogins, header: str, give_up: Callable[[WebsocketSession], None]
    ) -> None:
        self._rules = rules
        self._ended = ended
        self._header = header
        self._give_up = give_up

    def still(self, token: str, headers: Headers | None = None) -> bool:
        """Whether a login is still valid; `headers` are those of its request, None for an open socket."""
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

    def is_admin(self, session: WebsocketSession) -> bool:
        """Whether the user of a session may see that, and so be shown commands and reasons."""
        token = _token_of(session)
        return token is not None and self.watches(token)

    async def sign_out(self, token: str, *, everywhere: bool) -> Login | None:
        """Ends a login, or all of its account, with their open sockets; None if it was not a valid login."""
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
        """Disconnects sockets whose login has ended, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self.sweep()
            except Exception as error:
                # For example, the file of users cannot be read. The next check must still run.
                _log.error("could not check the logins of open pages; retrying in %g s: %s", _LOOK_SECONDS, error)

    async def sweep(self) -> None:
        """Disconnects the sockets and stops the answers of logins that have ended."""
        for number, session in enumerate(list(ws_sessions_id.values()), 1):
            if number % _SWEPT_AT_ONCE == 0:
                await asyncio.sleep(0)
            token = _token_of(session)
            if token and not self.still(token):
                self._give_up(session)
                session.token = None
                await sio.disconnect(session.socket_id)

    def guard_chainlit(self) -> None:
        """Makes Chainlit itself reject invalid tokens wherever it reads one.

        A socket may send its token long after the request that opened it.
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
    """Plain ASGI: removes an invalid login from its request, which then counts as not signed in.

    An upload or a download in progress ends when its login does.
    """

    def __init__(self, app: ASGIApp, welcome: Welcome) -> None:
        self._app = app
        self._welcome = welcome

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        if scope["type"] in {"http", "websocket"}:
            connection = HTTPConnection(scope)
            cookie = get_token_from_cookies(connection.cookies)
            if cookie and not self._welcome.still(cookie, connection.headers):
                scope = _without(scope, b"cookie")
            elif cookie:
                scope = {**scope, IS_ADMIN: partial(self._welcome.watches, cookie)}
            # Chainlit accepts a login here, too; otherwise this has the keys of programs.
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
            # Not for the last chunk: it is the response to the sign-out itself.
            if was_in and message.get("more_body") and not self._welcome.still(token):
                raise ClientDisconnect
            answered = True
            await send(message)

        await self._app(scope, receive_while_in, send_while_in)
        if out and not answered:
            await refuse(scope, receive, send, 401, "refused_stranger")


def _too_old(login: Login) -> bool:
    """Whether a login has reached its maximum age, renewals included."""
    return login.since + LONGEST_LOGIN_SECONDS <= time.time()


def _token_of(session: WebsocketSession) -> str | None:
    """The token of a session's current or last connection.

    Chainlit keeps the one of the first connection, even when the session reconnects with another login.
    """
    environ = sio.get_environ(session.socket_id)
    if environ is None:
        return session.token
    return get_token_from_cookies(cookie_parser(environ.get("HTTP_COOKIE", "")))


def _without(scope: Scope, header: bytes) -> Scope:
    return {**scope, "headers": [item for item in scope["headers"] if item[0].lower() != header]}


def forgive_a_clock_set_back() -> None:
    """Accepts logins made in the future; Chainlit's own check has no setting for that."""
    jwt.decode.__self__.options["verify_iat"] = False  # type: ignore[attr-defined]


def header_identity(value: str) -> str:
    """The identity of a user named by a proxy."""
    return f"{HEADER_PREFIX}{header_name(value)}"


def header_name(value: str) -> str:
    """The name in a header, byte for byte.

    Only HTTP whitespace is stripped. `str.strip` would also strip the last byte of 铠 and of 铅 in UTF-8, and so merge
    two accounts.
    """
    return value.strip(" \t")
