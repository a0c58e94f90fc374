"""A fake engine: it sends vLLM's stream at a fixed rate, up to Python's limit, and records the times.

`python -m tests.benchmarks.engine PORT`. All chunks of an answer are made before the first is sent, so that this
process uses little of the measured machine. `/marks/ID` returns the monotonic times of one answer, which
all processes of a machine share: the request's arrival, the first token, the last.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import orjson
from aiohttp import web

from tests.benchmarks.load import Load, parse, pieces

MODEL = "measured"


class Engine:
    """The routes, and the times."""

    def __init__(self) -> None:
        self._marks: dict[str, dict[str, float]] = {}

    def app(self) -> web.Application:
        """Everything below one port."""
        app = web.Application(client_max_size=256 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/health", self._health)
        app.router.add_get("/metrics", self._health)
        app.router.add_get("/marks/{ident}", self._mark)
        return app

    async def _health(self, request: web.Request) -> web.Response:
        return web.Response()

    async def _models(self, request: web.Request) -> web.Response:
        model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "vllm", "max_model_len": 131072}
        return web.json_response({"object": "list", "data": [model]})

    async def _mark(self, request: web.Request) -> web.Response:
        return web.json_response(self._marks.get(request.match_info["ident"], {}))

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        arrived = time.monotonic()
        asked = orjson.loads(await request.read())
        load = parse(_last_question(asked["messages"]))
        mark = self._marks[load.ident] = {"asked": arrived}
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        chunks = _chunks(load)
        await response.write(_chunk(load, {"role": "assistant", "content": ""}))
        began = time.monotonic()
        for number, chunk in enumerate(chunks):
            wait = began + number / load.rate - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            if number == 0:
                mark["first"] = time.monotonic()
            await response.write(chunk)
        mark["last"] = time.monotonic()
        await response.write(_chunk(load, {}, "stop"))
        usage = {"prompt_tokens": 9, "completion_tokens": len(chunks), "total_tokens": len(chunks) + 9}
        await response.write(_event({"id": load.ident, "choices": [], "usage": usage}) + b"data: [DONE]\n\n")
        return response


def _last_question(messages: list[dict[str, Any]]) -> str:
    content = messages[-1]["content"]
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content)


def _chunks(load: Load) -> list[bytes]:
    reasoning, answer = pieces(load.tokens, load.kind)
    return [_chunk(load, {"reasoning": token}) for token in reasoning] + [
        _chunk(load, {"content": token}) for token in answer
    ]


def _chunk(load: Load, delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish, "token_ids": None}
    name = f"chatcmpl-{load.ident}"
    return _event({"id": name, "object": "chat.completion.chunk", "created": 0, "model": MODEL, "choices": [choice]})


def _event(event: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(event) + b"\n\n"


if __name__ == "__main__":
    web.run_app(Engine().app(), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
