"""The reader's web server."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from PIL import Image
from starlette.exceptions import HTTPException

from engine.reader import errors
from engine.reader.errors import ApiError
from engine.reader.media import fetch
from engine.reader.picture import decode
from engine.reader.protocol import ChatRequest, Replies, usage_of
from engine.reader.reply import Question, reply
from engine.reader.worker import Worker
from engine.reader.writer import Piece, Writer

CONTEXT = 1_048_576
"""Tokens; a token is a character, so this is more than any conversation. Said because clients ask for it."""
_MOST_PICTURES = 64


@dataclass(frozen=True)
class Options:
    """How it was started. An empty key lets everybody in."""

    uploads: Path
    model: str = "reader"
    key: str = ""
    threads: int = 1


def create_app(options: Options) -> FastAPI:
    """The server. It answers `/health` with 503 until the recogniser is warm."""
    worker = Worker(options.threads)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(worker.start())
        yield
        loading.cancel()
        worker.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(ApiError, errors.on_api_error)
    app.add_exception_handler(HTTPException, errors.on_http_error)
    app.add_exception_handler(RequestValidationError, errors.on_invalid)

    async def with_key(request: Request) -> None:
        given = request.headers.get("authorization", "")
        if options.key and not hmac.compare_digest(given.encode(), f"Bearer {options.key}".encode()):
            raise ApiError("Unauthorized: the API key is missing or wrong.", 401)

    @app.get("/health")
    async def health() -> Response:
        return Response(status_code=200 if worker.ready else 503)

    @app.get("/v1/models", dependencies=[Depends(with_key)])
    async def models() -> dict[str, Any]:
        model = {"id": options.model, "object": "model", "created": started, "owned_by": "rapidocr"}
        return {"object": "list", "data": [{**model, "max_model_len": CONTEXT}]}

    @app.post("/v1/chat/completions", dependencies=[Depends(with_key)])
    async def complete(asked: ChatRequest) -> Response:
        if asked.model not in {None, options.model}:
            raise ApiError(f"The model `{asked.model}` does not exist.", 404, "model")
        if not worker.ready:
            raise ApiError("The recogniser is still loading: ask again in a few seconds.", 503)
        question = await _question(asked, options.uploads)
        prompt = sum(len(message.text) for message in asked.messages)
        pieces = _pieces(worker, question, writer := Writer(asked.stops, asked.limit))
        replies = Replies(options.model)
        if asked.stream:
            usage = bool(asked.stream_options and asked.stream_options.include_usage)
            return StreamingResponse(_events(pieces, writer, replies, prompt, usage), media_type="text/event-stream")
        said = {"reasoning": "", "content": ""}
        async for piece in pieces:
            said[piece.kind] += piece.text
        assert writer.finish_reason
        counts = usage_of(prompt, writer.counts["reasoning"], writer.counts["content"])
        return JSONResponse(replies.whole(said["reasoning"], said["content"], writer.finish_reason, counts))

    started = int(time.time())
    return app


async def _question(asked: ChatRequest, uploads: Path) -> Question:
    messages = list(asked.messages)
    begun = messages.pop().text if asked.continue_final_message and messages[-1].role == "assistant" else None
    users = [message for message in messages if message.role == "user"]
    if not users:
        raise ApiError("The messages hold no question of a user.", param="messages")
    urls = [url for message in users for url in message.pictures]
    if len(urls) > _MOST_PICTURES:
        raise ApiError(f"At most {_MOST_PICTURES} image(s) may be provided in one prompt.", param="messages")
    pictures = [await asyncio.to_thread(_open, url, uploads) for url in urls]
    return Question(users[-1].text, pictures, len(users[-1].pictures), begun)


def _open(url: str, uploads: Path) -> Image.Image:
    return decode(fetch(url, uploads))


async def _pieces(worker: Worker, question: Question, writer: Writer) -> AsyncIterator[Piece]:
    async with aclosing(reply(worker, question)) as written:
        async for piece in written:
            for sent in writer.add(piece):
                yield sent
            if writer.finish_reason:
                return
    for sent in writer.finish():
        yield sent


async def _events(
    pieces: AsyncIterator[Piece], writer: Writer, replies: Replies, prompt: int, usage: bool
) -> AsyncIterator[bytes]:
    yield replies.chunk({"role": "assistant", "content": ""})
    async for piece in pieces:
        yield replies.chunk({piece.kind: piece.text})
    yield replies.chunk({}, writer.finish_reason)
    if usage:
        yield replies.usage_chunk(usage_of(prompt, writer.counts["reasoning"], writer.counts["content"]))
    yield b"data: [DONE]\n\n"
