"""What those who look after the product ask of the page: `/metrics`."""

from __future__ import annotations

import asyncio
import hmac
from typing import Annotated, Any

from chainlit.auth import get_current_user
from chainlit.auth.cookie import OAuth2PasswordBearerWithCookie
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response

from app import prometheus
from app.engine_state import EngineState
from app.telemetry import telemetry
from engine.config import Settings, secret

_COOKIE = OAuth2PasswordBearerWithCookie(tokenUrl="/login", auto_error=False)


def watching(settings: Settings, state: EngineState) -> APIRouter:
    """The routes. Whoever has signed in may read them, and any program with the key in `run/watch.key`.

    On a page that only this machine reaches the metrics need neither: whoever is here could sign in anyway.
    """
    router = APIRouter()
    key = secret(settings.files.watch_key)

    async def may_watch(request: Request, token: Annotated[str | None, Depends(_COOKIE)]) -> None:
        given = request.headers.get("authorization", "")
        if hmac.compare_digest(given.encode("utf-8", "surrogateescape"), f"Bearer {key}".encode()):
            return
        if token is None:
            raise HTTPException(401, "Sign in, or send the key of run/watch.key: Authorization: Bearer …")
        await get_current_user(token)

    async def may_measure(request: Request, token: Annotated[str | None, Depends(_COOKIE)]) -> None:
        if not settings.for_this_machine or settings.auth_header:
            await may_watch(request, token)

    @router.get("/metrics", dependencies=[Depends(may_measure)])
    async def show_metrics() -> Response:
        reader = telemetry.reader
        seen: Any = await asyncio.to_thread(reader.get_metrics_data) if reader else None
        return Response(prometheus.render(seen), media_type=prometheus.CONTENT_TYPE)

    return router
