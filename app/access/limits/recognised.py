"""Protects the connections of signed-in users from being closed in a flood."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.limits.connections import recognise
from app.access.signed_in import owner_of


class Recognised:
    """Plain ASGI; inside `StillWelcome`, which removes invalid login cookies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        if scope["type"] == "http" and (owner := owner_of(scope)):
            recognise(scope, owner)
        await self._app(scope, receive, send)
