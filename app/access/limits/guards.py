"""Checks on every request before any code of the page sees it: plain ASGI, outermost.

- `HostAndOrigin`: on loopback, accepts only the page's own names (another site's name can be made to resolve to
  127.0.0.1), and rejects requests that another site made, for HTTP and WebSocket alike.
- `BodyLimit`: counts a body while it arrives and never holds more than the limit.
- `SignIns`: passes the origin of a sign-in to the password check, and rejects one that has to wait.
- `SecureHeaders`: adds security headers to every response.
"""

from __future__ import annotations

import logging
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
IS_ADMIN = "kimi.is_admin"
"""In the scope of a request with a login: a function that says whether it is an admin's."""
_MOST_NOTED, _LONGEST_NOTED = 20, 100
_log = logging.getLogger("app.access")
_UPLOADED_FILE = re.compile(r"/project/file/|/project/thread/")


class AllowedPlaces:
    """The names under which the page may be reached.

    `origins` are further addresses such as `https://chat.example.org`; on `loopback`, only they and this machine's own
    names are accepted. `api_origins` are other sites, whose pages may use only the API.
    """

    def __init__(self, *, loopback: bool, port: int, origins: str = "", api_origins: str = "") -> None:
        self._loopback = loopback
        self._origins = _origins(origins)
        self._api_origins = _origins(api_origins)
        self._hosts = {f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]")}
        self._hosts |= {urlsplit(origin).netloc for origin in self._origins}

    @property
    def api_origins(self) -> set[str]:
        """The other sites whose pages may use the API, in lower case."""
        return set(self._api_origins)

    def host_allowed(self, host: str) -> bool:
        """Whether the page answers to this `Host` header."""
        return not self._loopback or host.lower() in self._hosts

    def origin_allowed(self, origin: str | None, host: str) -> bool:
        """Whether to accept a request from a page at `origin`; None means that no browser page sent it."""
        if origin is None:
            return True
        return origin.lower() in self._origins or urlsplit(origin.lower()).netloc == host.lower() != ""

    def api_origin_allowed(self, origin: str | None) -> bool:
        """Whether to accept a request to the API from a page of another site at `origin`."""
        return origin is not None and origin.lower() in self._api_origins

    def is_https(self, host: str) -> bool:
        """Whether the configured origins have this name with https only."""
        name = host.lower()
        return f"https://{name}" in self._origins and f"http://{name}" not in self._origins


def _origins(listed: str) -> set[str]:
    """The origins of a comma-separated setting, in lower case."""
    return {origin.strip().rstrip("/").lower() for origin in listed.split(",") if origin.strip()}


class HostAndOrigin:
    """Rejects requests to an unknown host name or from another site's page.

    `from_anywhere` are paths that another site's page may post to; their routes check the request themselves.
    `admins_only`: there is only the person at this machine, to whom the settings are named.
    """

    def __init__(
        self, app: ASGIApp, places: AllowedPlaces, from_anywhere: Collection[str] = (), *, admins_only: bool = False
    ) -> None:
        self._app = app
        self._places = places
        self._from_anywhere = from_anywhere
        self._admins_only = admins_only
        self._noted: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._admins_only:
            scope = {**scope, IS_ADMIN: lambda: True}
        if not self._places.host_allowed(host):
            self._note("host", host)
            await refuse(scope, receive, send, 421, "refused_host")
        elif not self._origin_allowed(scope, headers.get("origin"), host):
            self._note("origin", headers.get("origin", ""))
            await refuse(scope, receive, send, 403, "refused_origin")
        else:
            await self._app(scope, receive, send)

    def _note(self, kind: str, value: str) -> None:
        """Logs how to allow it, once for each of the first few: the refusal does not name settings to strangers."""
        value = value[:_LONGEST_NOTED]
        if len(self._noted) < _MOST_NOTED and value not in self._noted:
            self._noted.add(value)
            _log.warning("requests of the %s %r are refused; KIMI_ORIGINS allows it", kind, value)

    def _origin_allowed(self, scope: Scope, origin: str | None, host: str) -> bool:
        if scope["type"] == "http":
            if scope["method"] == "POST" and scope["path"] in self._from_anywhere:
                return True
            # There a key counts and no cookie, so such a page gets at nothing that its visitor has.
            if scope["path"].startswith("/v1/") and self._places.api_origin_allowed(origin):
                return True
        return self._places.origin_allowed(origin, host)


class BodyLimit:
    """Rejects a request as soon as its body is too large. Sizes are in bytes; `paths` have their own limits."""

    def __init__(self, app: ASGIApp, upload: int, other: int, paths: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._other = other
        self._paths = {**dict.fromkeys(UPLOAD_PATHS, upload), **(paths or {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
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
    """Wraps sign-ins with a password, which `sign_in.py` checks and `guesses.py` limits."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        if scope["type"] != "http" or scope["path"] != "/login" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        address = connection.client.host if connection.client else "?"
        request = SignInRequest(address, connection.cookies.get(COOKIE, ""))
        sign_in_request.set(request)

        async def with_outcome(message: Message) -> None:
            if request.wait:
                # Chainlit's response, which can only report a wrong password.
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
    """Sets the security headers on every response, and `Secure` on cookies sent over HTTPS.

    A response without `Cache-Control` becomes private and is revalidated each time. Uploaded files are shown in a
    sandbox without any rights.
    """

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
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
                # Without it, a proxy may cache one user's file and serve it to others.
                headers.setdefault("Cache-Control", "private, no-cache")
                if scope.get("scheme") == "https":
                    _secure_cookies(message)
            await send(message)

        await self._app(scope, receive, with_headers)


class _BodyTooLargeError(Exception):
    """Raised inside `receive`, to stop any code that reads the body."""


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
    """Rejects a request with the message of `key` in the user's language, or closes a socket with it."""
    # The API's messages are always in English, and for those who write programs.
    asked = None if _of_the_api(scope) else Headers(scope=scope).get("accept-language")
    admin = _of_the_api(scope) or scope.get(IS_ADMIN, bool)()
    sentence = text(key, language_of(asked), admin, **values)
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": sentence})
        return
    # Close the connection, or the rest of an unread body would be taken for the next request.
    response = JSONResponse(
        _refusal(scope, status, sentence), status, headers={"Connection": "close", **(headers or {})}
    )
    await response(scope, receive, send)


def _of_the_api(scope: Scope) -> bool:
    path: str = scope["path"]
    return path == "/v1" or path.startswith("/v1/")


def _refusal(scope: Scope, status: int, sentence: str) -> dict[str, object]:
    """A rejection's JSON; for the API, in OpenAI's format."""
    if _of_the_api(scope):
        return {"error": {"message": sentence, "type": "invalid_request_error", "param": None, "code": str(status)}}
    return {"detail": sentence}
