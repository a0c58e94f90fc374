"""Malformed requests and errors, for every route of the page and of Chainlit: plain ASGI, like `guards.py`.

- `SoundRequests`: rejects a body of invalid JSON, or a URL with a NUL, before any route sees it.
- `HonestErrors`: turns an exception of a route into one sentence for the user and at most one line in the log.
"""

from __future__ import annotations

import errno
import logging
import traceback
from pathlib import Path

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.limits.guards import UPLOAD_PATHS, refuse
from app.errors import HistoryError, Refusal
from app.i18n import language_of, text
from app.json_values import sound_object

_MOST_VALUES = 10_000
_FRAMES = 6
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_OTHERS = ("/v1/", "/ws/")
"""The API and the sockets, which have their own checks."""
_WITH_BODY = {"POST", "PUT", "PATCH", "DELETE"}
_OF_A_WRONG_SHAPE = (TypeError, ValueError, LookupError, AttributeError, AssertionError, RecursionError)
"""What code without input checks raises on malformed input."""
_log = logging.getLogger("app.requests")


class SoundRequests:
    """Rejects what the page never sends. Uploads, forms and the API have their own checks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
            await refuse(scope, receive, send, 400, "refused_malformed")
        elif not _has_json(scope):
            await self._app(scope, receive, send)
        else:
            await self._with_json(scope, receive, send)

    async def _with_json(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, complete = bytearray(), False
        while not complete:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            complete = not message.get("more_body", False)
        # The requests of some buttons, and signing out, have no body.
        if body and sound_object(bytes(body), _MOST_VALUES) is None:
            await refuse(scope, receive, send, 400, "refused_malformed")
            return
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, again, send)


class HonestErrors:
    """Responds in place of a route that raised. `trusting`: the route does not check its input, as Chainlit's do not.

    An exception that malformed input can cause in such a route counts as the client's mistake.
    """

    def __init__(self, app: ASGIApp, *, trusting: bool = False) -> None:
        self._app = app
        self._trusting = trusting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answered, unread = False, None

        async def noted() -> Message:
            nonlocal unread
            try:
                return await receive()
            except Exception as error:
                unread = error
                raise

        async def watched(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, noted, watched)
        except ClientDisconnect:
            # There is no one to respond to.
            return
        except Exception as error:
            if error is unread:
                # An outer guard cut off the body and reports why.
                raise
            status, key, values = self._explained(error)
            _note(scope, status, error)
            # A response that has begun never gets its end, so the client knows that it is incomplete.
            if not answered:
                await refuse(scope, receive, send, status, key, headers=None, **values)

    def _explained(self, error: Exception) -> tuple[int, str, dict[str, object]]:
        if isinstance(error, Refusal):
            return error.status, error.key, error.values
        if isinstance(error, HistoryError):
            return 503, "refused_history", {}
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return 507, "refused_disk", {}
        if self._trusting and isinstance(error, _OF_A_WRONG_SHAPE):
            return 400, "refused_malformed", {}
        return 500, "refused_fault", {}


async def on_invalid(request: Request, error: Exception) -> JSONResponse:
    """FastAPI's rejection of a request that does not match its route, without echoing the input."""
    assert isinstance(error, RequestValidationError)
    language = language_of(request.headers.get("accept-language"))
    return JSONResponse({"detail": text("refused_malformed", language)}, 422)


def _has_json(scope: Scope) -> bool:
    path: str = scope["path"]
    if scope["method"] not in _WITH_BODY or path in UPLOAD_PATHS or path.startswith(_OTHERS):
        return False
    return not Headers(scope=scope).get("content-type", "").lower().startswith(_FORMS)


def _note(scope: Scope, status: int, error: Exception) -> None:
    """Logs one line without any input; for a bug, with the place where it happened."""
    route = getattr(scope.get("endpoint"), "__name__", "a route")
    if status == 500:
        # Not the message, which may quote the body.
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
        _log.error("%s failed: %s at %s", route, type(error).__name__, where)
    elif isinstance(error, HistoryError):
        _log.error("%s failed: %s", route, error)
    elif not isinstance(error, Refusal):
        _log.warning("%s rejected a request: %s", route, type(error).__name__)
