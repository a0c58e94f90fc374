"""The routes of the generator of commands: `/plan`, and the data that its script asks for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse, JSONResponse

from app.access.signed_in import owner_of
from app.errors import Refusal
from app.fair_queue import FairLine, LineFullError
from app.i18n import Language, language_of
from app.status.guard import Guard
from app.status.wish import Wish

_WAITING = 8
"""How many choices of one user may wait; a further one takes the place of the oldest, whose page has moved on."""


def planning(page_root: Path, guard: Guard) -> APIRouter:
    """The routes."""
    router = APIRouter()
    # A plan is arithmetic, which must not keep the page's process from everything else.
    line = FairLine(1, waiting=_WAITING, newest_wins=True)

    @router.get("/plan")
    async def plan_page() -> FileResponse:
        page = page_root / "frontend" / "plan.html"
        return FileResponse(page, media_type="text/html", headers={"cache-control": "no-cache"})

    @router.get("/api/plan", dependencies=[Depends(guard.watcher)])
    async def show_plan(request: Request, wish: Annotated[Wish, Query()]) -> JSONResponse:
        language = language_of(request.headers.get("accept-language"))
        try:
            async with line.place(owner_of(request.scope) or ""):
                found = await asyncio.to_thread(_generated, wish, language)
        except LineFullError:
            raise Refusal(429, "refused_plans") from None
        return JSONResponse(found, headers={"cache-control": "no-store"})

    return router


def _generated(wish: Wish, language: Language) -> dict[str, Any]:
    from app.status.generator import generated  # noqa: PLC0415 - few visit this page, and it needs all engines

    return generated(wish, language)
