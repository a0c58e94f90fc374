"""The API for web pages of other origins: CORS, for the origins that `KIMI_ORIGINS` names.

No cookie counts here, only a key: such a page gets at nothing that the person who looks at it has.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

_METHODS = ("GET", "POST")
_EXPOSED = ("Retry-After", "X-Request-Id")


class CrossOrigin:
    """Answers preflights below `/v1`, and lets those origins read the responses. Leaves other paths alone."""

    def __init__(self, app: ASGIApp, origins: Iterable[str]) -> None:
        self._app = app
        # OpenAI's client for browsers sends a dozen custom headers.
        self._shared = CORSMiddleware(
            app, allow_origins=list(origins), allow_methods=_METHODS, allow_headers=["*"], expose_headers=_EXPOSED
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        shared = scope["type"] == "http" and scope["path"].startswith("/v1/")
        await (self._shared if shared else self._app)(scope, receive, send)
