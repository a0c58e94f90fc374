"""Who signed in some time ago, looked at again with every request: may this person still come in?

A login is a signed cookie that lasts for days. Whoever was taken out, has got another password, or is another person by
the word of the proxy in front, is signed out at once.

A login ends by the clock, which may be wrong: what is open then stays open, and one that was made by a clock that has
been set back since counts.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache, partial

import jwt
from chainlit.auth import get_token_from_cookies
from chainlit.auth.jwt import get_jwt_secret
from chainlit.server import sio
from chainlit.session import ws_sessions_id
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from app.chats import chat_of
from engine.people import People

_LOOK_SECONDS = 2.0


class Welcome:
    """Knows who may still come in. `header` is the one in which a proxy names its people; empty: there is none."""

    def __init__(self, people: People, header: str) -> None:
        self._people = people
        self._header = header

    def still(self, token: str, headers: Headers | None = None) -> bool:
        """Whether a login still holds; `headers` are those of a request that brings it, None: it is open already."""
        login = _open_login(token) if headers is None else _login(token, also_ended=False)
        if login is None:
            return False
        name, mark = login
        if mark:
            return bool(self._people.mark(name) == mark)
        if self._header and headers is not None:
            return bool(name == header_identity(headers.get(self._header, "")))
        return True

    async def keep_out(self) -> None:
        """Ends the live connections of those who were taken out, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for session in list(ws_sessions_id.values()):
                if session.token and not self.still(session.token):
                    chat_of(session).give_up()
                    await sio.disconnect(session.socket_id)
                    session.token = None


def _login(token: str, *, also_ended: bool) -> tuple[str, str | None] | None:
    """The name in a login and its mark; None where it was not signed here, or has ended and that counts."""
    try:
        secret = get_jwt_secret() or ""
        user = jwt.decode(token, secret, algorithms=["HS256"], options={"verify_exp": not also_ended})
        return user["identifier"], user["metadata"].get("mark")
    except (jwt.InvalidTokenError, TypeError, AttributeError, LookupError):
        return None


# Those of all open pages are looked at every other second.
_open_login = lru_cache(maxsize=4096)(partial(_login, also_ended=True))


class StillWelcome:
    """Plain ASGI: takes the cookies off a request whose login no longer holds, so that it comes from nobody."""

    def __init__(self, app: ASGIApp, welcome: Welcome) -> None:
        self._app = app
        self._welcome = welcome

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            connection = HTTPConnection(scope)
            token = get_token_from_cookies(connection.cookies)
            if token and not self._welcome.still(token, connection.headers):
                scope = {**scope, "headers": [item for item in scope["headers"] if item[0].lower() != b"cookie"]}
        await self._app(scope, receive, send)


def forgive_a_clock_set_back() -> None:
    """Lets a login count that was made at a time to come: Chainlit's own check has no setting for that."""
    jwt.decode.__self__.options["verify_iat"] = False  # type: ignore[attr-defined]


def header_identity(value: str) -> str:
    """The identity of somebody whom a proxy names: apart from all others, who may have the same name."""
    return f"header:{value.strip()}"
