"""The routes for administrators and monitoring: status page and generator with their data, and `/metrics`."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel

from app.access.still_allowed import Welcome
from app.i18n import language_of
from app.status.guard import Guard
from app.status.overview import Overview
from app.status.planning import planning
from app.telemetry import prometheus
from app.telemetry.otel import telemetry
from app.upstream.state import EngineState, NoSupervisorError
from engine.config import Settings
from engine.supervise import consent
from engine.system.logs import more, plain

FIRST_LINES = 200
"""How many lines of each log are shown at first."""


class _Download(BaseModel):
    """Whether a model may be fetched."""

    answer: consent.Word


def watching(settings: Settings, state: EngineState, welcome: Welcome) -> APIRouter:
    """The routes."""
    router = APIRouter()
    overview, guard = Overview(settings, state), Guard(settings, welcome)
    router.include_router(planning(settings.files.page_root, guard))

    @router.get("/status")
    async def status_page() -> FileResponse:
        # The page itself has no data: its script fetches that, which needs the login.
        page = settings.files.page_root / "frontend" / "status.html"
        return FileResponse(page, media_type="text/html", headers={"cache-control": "no-cache"})

    @router.get("/api/overview", dependencies=[Depends(guard.watcher)])
    async def show_overview(request: Request) -> JSONResponse:
        language = language_of(request.headers.get("accept-language"))
        return JSONResponse(await asyncio.to_thread(overview.read, language), headers={"cache-control": "no-store"})

    @router.get("/api/logs", dependencies=[Depends(guard.watcher)])
    async def show_logs(llm: str = "", app: str = "") -> JSONResponse:
        files = {"llm": (settings.files.llm_log, llm), "app": (settings.files.app_log, app)}
        tails = {}
        for name, (path, at) in files.items():
            found = await asyncio.to_thread(more, path, at, FIRST_LINES)
            tails[name] = {"lines": [plain(line) for line in found.lines], "at": found.at}
        return JSONResponse(tails, headers={"cache-control": "no-store"})

    @router.post("/api/download", dependencies=[Depends(guard.admin)])
    async def answer_download(said: _Download) -> JSONResponse:
        await asyncio.to_thread(consent.answer, settings.files, said.answer)
        if said.answer == "yes" and state.coming().state == "failed":
            # It may be here, and could not be started.
            with contextlib.suppress(NoSupervisorError):
                state.retry()
        return JSONResponse({"status": "noted"}, 202)

    @router.get("/metrics", dependencies=[Depends(guard.reader_of_metrics)])
    async def show_metrics() -> Response:
        reader = telemetry.reader
        seen: Any = await asyncio.to_thread(reader.get_metrics_data) if reader else None
        return Response(prometheus.render(seen), media_type=prometheus.CONTENT_TYPE)

    return router
