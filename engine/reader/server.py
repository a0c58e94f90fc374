"""The reader's HTTP server, with vLLM's routes, key and errors."""

import asyncio
import hmac
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.reader import chat, metrics
from engine.reader.errors import ReaderError, on_any_error, on_http_error, on_invalid_request, on_reader_error
from engine.reader.messages import ChatRequest, conversation
from engine.reader.reading.read import Recogniser
from engine.reader.stream import Reply
from engine.reader.worker import Worker

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """The options of the server."""

    model: str = "reader"
    uploads: Path | None = None
    key: str = ""
    context: int = 1_048_576
    pictures: int = 24
    picture_seconds: float = 120.0


def create_app(options: Options, load: Callable[[], Recogniser]) -> FastAPI:
    """Returns the application; `load` makes the recogniser and is called in the worker's thread after the start."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.worker = Worker(load, options.picture_seconds)
        running = asyncio.create_task(app.state.worker.run())
        running.add_done_callback(_report_end)
        yield
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    app = FastAPI(title="Reader", lifespan=lifespan, openapi_url=None)
    app.add_exception_handler(ReaderError, on_reader_error)
    app.add_exception_handler(RequestValidationError, on_invalid_request)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(Exception, on_any_error)
    if options.key:
        app.add_middleware(_Guard, key=options.key)
    _add_routes(app, options)
    return app


def _report_end(running: asyncio.Task[None]) -> None:
    if not running.cancelled() and (error := running.exception()):
        logger.critical("The recogniser failed, so the reader stops: %s", error, exc_info=error)
        os.kill(os.getpid(), signal.SIGTERM)  # the supervisor sees this process end, and restarts it


class _Guard:
    """Admits only requests to /v1 that have the key; /health and /metrics need none, as in vLLM.

    Plain ASGI: with Starlette's decorator for middleware, a stream would not notice that its client has left.
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._expected = f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v1"):
            given = Headers(scope=scope).get("authorization", "").encode()
            if not hmac.compare_digest(given, self._expected):
                await ReaderError("Unauthorized: this server's key is needed.", 401).response()(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _add_routes(app: FastAPI, options: Options) -> None:
    started = int(time.time())

    @app.get("/health")
    async def health(request: Request) -> Response:
        worker: Worker = request.app.state.worker
        return Response(status_code=200 if worker.ready else 503)

    @app.get("/metrics")
    async def show_metrics(request: Request) -> Response:
        worker: Worker = request.app.state.worker
        return Response(metrics.render(worker.waiting, worker.running), media_type=metrics.CONTENT_TYPE)

    @app.get("/v1/models")
    async def models() -> dict[str, object]:
        model = {
            "id": options.model,
            "object": "model",
            "created": started,
            "owned_by": "reader",
            "root": options.model,
            "parent": None,
            "max_model_len": options.context,
        }
        return {"object": "list", "data": [model]}

    @app.post("/v1/chat/completions", response_model=None)
    async def chat_completions(body: ChatRequest, request: Request) -> Response:
        if body.model not in {None, "", options.model}:
            raise ReaderError(
                f"The model `{body.model}` does not exist; this server has `{options.model}`.", 404, "model"
            )
        worker: Worker = request.app.state.worker
        talk = conversation(body)
        usage = chat.Usage(prompt=talk.characters)
        most = chat.token_limit(body, talk, options.context)
        images = await chat.fetch(talk, worker, options.uploads, options.pictures)
        metrics.REQUESTS.inc()
        parts = chat.limited(chat.reply(talk, images, worker, body.stops), most, usage)
        reply = Reply(options.model)
        if body.stream:
            include_usage = bool(body.stream_options and body.stream_options.include_usage)
            return StreamingResponse(reply.events(parts, usage, include_usage), media_type="text/event-stream")
        return await _unless_disconnected(request, reply.whole(parts, usage))


async def _unless_disconnected(request: Request, making: Awaitable[dict[str, object]]) -> Response:
    """Returns the reply as JSON; cancels it when the client leaves."""
    whole = asyncio.ensure_future(making)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({whole, gone}, return_when=asyncio.FIRST_COMPLETED)
        return JSONResponse(whole.result()) if whole.done() else Response(status_code=499)
    finally:
        for task in (whole, gone):
            task.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
