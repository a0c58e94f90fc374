"""Who may see the status, the logs and the generator of commands."""

from __future__ import annotations

import hmac

from fastapi import HTTPException, Request

from app.access.signed_in import Token, require_sign_in
from app.access.still_allowed import Welcome
from app.errors import Refusal
from engine.config import Settings, secret


class Guard:
    """Access to the status: for users whom the rules allow, and for programs with the key in `run/watch.key`."""

    def __init__(self, settings: Settings, welcome: Welcome) -> None:
        self._key = secret(settings.files.watch_key)
        self._open = settings.sign_in == "local"
        self._welcome = welcome

    async def watcher(self, request: Request, token: Token) -> None:
        """Checks that a request may see the status and the logs.

        Raises:
            HTTPException: 401 without a sign-in.
            Refusal: 403 for users who may not.
        """
        given = request.headers.get("authorization", "")
        if hmac.compare_digest(given.encode("utf-8", "surrogateescape"), f"Bearer {self._key}".encode()):
            return
        if token is None:
            raise HTTPException(401, "Sign in, or send the key of run/watch.key: Authorization: Bearer …")
        await self.admin(request, token)

    async def admin(self, request: Request, token: Token) -> None:
        """Checks that a user sent a request who may see the status; a key for monitoring decides nothing.

        Raises:
            HTTPException: 401 without a sign-in.
            Refusal: 403 for users who may not.
        """
        if token is None:
            raise HTTPException(401, "Sign in first.")
        await require_sign_in(token)
        if not self._welcome.watches(token):
            raise Refusal(403, "refused_watching")

    async def reader_of_metrics(self, request: Request, token: Token) -> None:
        """As `watcher`; but on a page reachable only from this machine anyone may, since they could sign in anyway.

        Raises:
            HTTPException, Refusal: 401 or 403.
        """
        if not self._open:
            await self.watcher(request, token)
