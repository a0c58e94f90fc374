"""The routes for administrators and monitoring: the status page with its data, and `/metrics`."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel

from app.access.signed_in import Token, require_sign_in
from app.access.still_allowed import Welcome
from app.i18n import language_of, text
from app.status.overview import Overview
from app.telemetry import prometheus
from app.telemetry.otel import telemetry
from app.upstream.state import EngineState, NoSupervisorError
from engine.config import Settings, secret
from engine.supervise import consent
from engine.system.logs import more, plain

FIRST_LINES = 200
"""How many lines of each log are shown at first."""


class _Download(BaseModel):
    """Whether a model may be fetched."""

    answer: consent.Word


class Guard:
    """Access to the status: for users whom the rules allow, and for programs with the key in `run/watch.key`."""

    def __init__(self, settings: Settings, welcome: Welcome) -> None:
        self._key = secret(settings.files.watch_key)
        self._open = settings.sign_in == "local"
        self._welcome = welcome

    async def watcher(self, request: Request, token: Token) -> None:
        """Checks that a request may see the status and the logs.

        Raises:
            HTTPException: 401 without a sign-in, 403 for users who may not.
        """
        given = request.headers.get("authorization", "")
        if hmac.compare_digest(given.encode("utf-8", "surrogateescape"), f"Bearer {self._key}".encode()):
            return
        if token is None:
            raise HTTPException(401, "Sign in, or send the key of run/watch.key: Authorization: Bearer …")
        await require_sign_in(token)
        if not self._welcome.watches(token):
            raise HTTPException(403, text("refused_watching", language_of(request.headers.get("accept-language"))))

    async def reader_of_metrics(self, request: Request, token: Token) -> None:
        """As `watcher`; but on a page reachable only from this machine anyone may, since they could sign in anyway.

        Raises:
            HTTPException: 401 or 403.
        """
        if not self._open:
            await self.watcher(request, token)


def watching(settings: Settings, state: EngineState, welcome: Welcome) -> APIRouter:
    """The routes."""
    router = APIRouter()
    overview, guard = Overview(settings, state), Guard(settings, welcome)

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

    @router.post("/api/download", dependencies=[Depends(guard.watcher)])
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
