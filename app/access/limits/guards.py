"""What a request has to get past before any page code sees it: plain ASGI, outside everything else.

- `HostAndOrigin`: a page on loopback answers to its own names only (a foreign site's name can be pointed at 127.0.0.1),
  and a browser's request that another site made is refused, for HTTP and WebSocket alike.
- `BodyLimit`: a body is counted while it comes; nothing above the limit is ever held.
- `SignIns`: passes on where a sign-in comes from to the check of its password, and rejects one that has to wait.
- `SecureHeaders`: what every response says about itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.devices import COOKIE, set_cookie
from app.access.sign_in_request import SignInRequest, sign_in_request
from app.i18n import language_of, text

UPLOAD_PATHS = {"/project/file", "/api/threads/import"}
_UPLOADED_FILE = re.compile(r"/project/file/|/project/thread/")


class AllowedPlaces:
    """Under which names the page is reached.

    `origins` are further addresses such as `https://chat.example.org`; on `loopback` only they and this machine's own
    names count.
    """

    def __init__(self, *, loopback: bool, port: int, origins: str = "") -> None:
        extra = [origin.strip().rstrip("/") for origin in origins.split(",") if origin.strip()]
        self._loopback = loopback
        self._origins = {origin.lower() for origin in extra}
        self._hosts = {f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]")}
        self._hosts |= {urlsplit(origin).netloc for origin in self._origins}

    @property
    def origins(self) -> set[str]:
        """The further addresses, in lower case."""
        return set(self._origins)

    def host_allowed(self, host: str) -> bool:
        """Whether the page answers to this `Host` header."""
        return not self._loopback or host.lower() in self._hosts

    def origin_allowed(self, origin: str | None, host: str) -> bool:
        """Whether a request from a page at `origin` may come in; None: it comes from no browser's page."""
        if origin is None:
            return True
        return origin.lower() in self._origins or urlsplit(origin.lower()).netloc == host.lower() != ""

    def is_https(self, host: str) -> bool:
        """Whether the page has this name by https alone, by the word of its owner; what browsers send may differ."""
        name = host.lower()
        return f"https://{name}" in self._origins and f"http://{name}" not in self._origins


class HostAndOrigin:
    """Refuses requests under a foreign name or from a foreign page.

    `from_anywhere` are paths to which another site's page may post; the routes there check the request themselves.
    """

    def __init__(self, app: ASGIApp, places: AllowedPlaces, from_anywhere: Collection[str] = ()) -> None:
        self._app = app
        self._places = places
        self._from_anywhere = from_anywhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        from_anywhere = scope.get("method") == "POST" and scope["path"] in self._from_anywhere
        if not self._places.host_allowed(host):
            await refuse(scope, receive, send, 421, "refused_host")
        elif not from_anywhere and not self._places.origin_allowed(headers.get("origin"), host):
            await refuse(scope, receive, send, 403, "refused_origin")
        else:
            await self._app(scope, receive, send)


class BodyLimit:
    """Cuts a request off as soon as its body is too large. Sizes are in bytes; `paths` have limits of their own."""

    def __init__(self, app: ASGIApp, upload: int, other: int, paths: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._other = other
        self._paths = {**dict.fromkeys(UPLOAD_PATHS, upload), **(paths or {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._paths.get(scope["path"], self._other)
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdigit() or int(declared) > limit:
            await _too_large(scope, receive, send, limit)
            return
        received, answered = 0, False

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _BodyTooLargeError
            return message

        async def watched(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, counted, watched)
        except _BodyTooLargeError:
            if answered:
                raise
            await _too_large(scope, receive, send, limit)


class SignIns:
    """Goes around a request to sign in with a password, which `sign_in.py` checks and `guesses.py` limits."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/login" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        address = connection.client.host if connection.client else "?"
        request = SignInRequest(address, connection.cookies.get(COOKIE, ""))
        sign_in_request.set(request)

        async def with_outcome(message: Message) -> None:
            if request.wait:
                # Chainlit knows of no other refusal than a wrong password.
                return
            if message["type"] == "http.response.start" and message["status"] == 200 and request.remember:
                message["headers"] = [*message["headers"], (b"set-cookie", set_cookie(request.remember))]
            await send(message)

        await self._app(scope, receive, with_outcome)
        if request.wait:
            after = {"Retry-After": str(math.ceil(request.wait))}
            minutes = math.ceil(request.wait / 60)
            await refuse(scope, receive, send, 429, "refused_guesses", headers=after, minutes=minutes)


class SecureHeaders:
    """Puts the security headers on every response, and `Secure` on cookies that travel by HTTPS.

    What does not say how it may be cached is its reader's alone, and is asked for again each time.

    A file that somebody uploaded is shown in a sandbox without any rights.
    """

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        uploaded = bool(_UPLOADED_FILE.match(scope["path"]))

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = "default-src 'none'; sandbox" if uploaded else self._policy
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["X-Frame-Options"] = "DENY"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
                # Without a word, a proxy's cache may keep a person's file and give it to others.
                headers.setdefault("Cache-Control", "private, no-cache")
                if scope.get("scheme") == "https":
                    _secure_cookies(message)
            await send(message)

        await self._app(scope, receive, with_headers)


class _BodyTooLargeError(Exception):
    """Raised inside `receive`, so that whoever reads the body stops at once."""


def _secure_cookies(message: Message) -> None:
    message["headers"] = [
        (name, value + b"; Secure" if name.lower() == b"set-cookie" and b"secure" not in value.lower() else value)
        for name, value in message["headers"]
    ]


async def _too_large(scope: Scope, receive: Receive, send: Send, limit: int) -> None:
    await refuse(scope, receive, send, 413, "refused_size", megabytes=limit // 1024 // 1024)


async def refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    key: str,
    *,
    headers: Mapping[str, str] | None = None,
    **values: object,
) -> None:
    """Answers a request with the sentence of `key` in the person's language, or closes a socket with it."""
    # What programs are told is English throughout.
    asked = None if _of_the_api(scope) else Headers(scope=scope).get("accept-language")
    sentence = text(key, language_of(asked), **values)
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": sentence})
        return
    # The connection is closed: the rest of a body that nobody reads must not be taken for the next request.
    response = JSONResponse(
        _refusal(scope, status, sentence), status, headers={"Connection": "close", **(headers or {})}
    )
    await response(scope, receive, send)


def _of_the_api(scope: Scope) -> bool:
    path: str = scope["path"]
    return path == "/v1" or path.startswith("/v1/")


def _refusal(scope: Scope, status: int, sentence: str) -> dict[str, object]:
    """A refusal's JSON; programs that use the API find it where OpenAI's has it."""
    if _of_the_api(scope):
        return {"error": {"message": sentence, "type": "invalid_request_error", "param": None, "code": str(status)}}
    return {"detail": sentence}
