"""A scripted engine: it sends vLLM's stream at a fixed rate, answers as the test wants, and records requests.

For what a real engine can't do on demand: stop in the middle of a stream, break off, reject, continue at a limit.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Script:
    """The next answer. A token is one string; `rate` is in tokens a second, 0 for as fast as possible."""

    reasoning: list[str] = field(default_factory=list)
    answer: list[str] = field(default_factory=lambda: ["An ", "answer."])
    rate: float = 0.0
    finish_reason: str = "stop"
    status: int = 200
    error: str = ""
    break_after: int | None = None
    """Closes the connection after so many tokens."""
    stall_after: int | None = None
    """Pauses after so many tokens until the test sets `ScriptedEngine.go`; the connection stays open."""
    garbage: bytes = b""
    """Sent instead of a stream."""
    endless: bool = False
    """Begins its answer again and again, whatever limit it was given."""
    reasoning_field: str = "reasoning"
    lines: tuple[dict[str, Any], ...] = ()
    """The lines of pictures that it says it has read, where they are asked for."""
    tool_call: tuple[str, ...] = ()
    """A tool's name, then its arguments in pieces: called instead of an answer where tools are offered, once."""
    calls: tuple[tuple[str, ...], ...] = ()
    """Tools called after the answer, where tools are offered: of each the id, the name, the arguments in pieces."""
    break_in_call: bool = False
    """Closes the connection after the first piece of the arguments of the first of `calls`."""
    after: Script | None = None
    """The answer once there is the result of a tool; it may call further ones."""
    hold: bool = False
    """Sends nothing until the test sets `ScriptedEngine.go`."""


class ScriptedEngine:
    """Serves on a free port of 127.0.0.1: `async with ScriptedEngine() as engine`, then `engine.base_url`."""

    def __init__(self, port: int = 0, model: str = "scripted", context: int = 32768) -> None:
        self.script = Script()
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.left = 0
        """How many clients went away while they were held."""
        self.streaming = 0
        self.cancelled = 0
        self.sent = 0
        self.go = asyncio.Event()
        self._port = port
        self._model = model
        self._context = context
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> ScriptedEngine:
        app = web.Application(client_max_size=256 * 1024 * 1024)
        app.router.add_get("/health", self._health)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_post("/v1/responses", self._respond)
        # Cancelled when the client goes away, as vLLM does it.
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        assert self._runner.addresses
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._runner
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        """Where the OpenAI API is."""
        return f"http://127.0.0.1:{self._port}/v1"

    async def _health(self, request: web.Request) -> web.Response:
        return web.Response()

    async def _models(self, request: web.Request) -> web.Response:
        model = {"id": self._model, "object": "model", "created": 0, "owned_by": "test", "max_model_len": self._context}
        return web.json_response({"object": "list", "data": [model]})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.read())
        asked = await request.json()
        self.requests.append(asked)
        self.headers.append(dict(request.headers))
        script = self.script
        for _ in range(sum("tool_calls" in message for message in asked["messages"])):
            script = script.after or script
        if script.status != 200:
            error = {"message": script.error, "type": "BadRequestError", "param": None, "code": script.status}
            return web.json_response({"error": error}, status=script.status)
        if script.garbage:
            return web.Response(body=script.garbage, content_type="text/event-stream")
        if script.hold:
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.left += 1
                raise
        if not asked.get("stream"):
            return web.json_response(self._whole(script, _calls(script, asked)))
        return await self._stream(request, script)

    async def _respond(self, request: web.Request) -> web.Response:
        self.requests.append(await request.json())
        text = {"type": "output_text", "text": "".join(self.script.answer), "annotations": []}
        message = {"type": "message", "id": "x", "role": "assistant", "status": "completed", "content": [text]}
        return web.json_response({"id": "x", "object": "response", "created_at": 0, "output": [message]})

    def _whole(self, script: Script, calls: tuple[str, ...]) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "reasoning": "".join(script.reasoning)}
        if calls:
            name, *arguments = calls
            function = {"name": name, "arguments": "".join(arguments)}
            message |= {"content": None, "tool_calls": [{"id": "call-1", "type": "function", "function": function}]}
        else:
            message["content"] = "".join(script.answer)
        choice = {"index": 0, "message": message, "finish_reason": script.finish_reason}
        return {"id": "x", "object": "chat.completion", "choices": [choice], "usage": self._usage(script)}

    async def _stream(self, request: web.Request, script: Script) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        asked = await request.json()
        self.streaming += 1
        try:
            lines = {"lines": script.lines} if asked.get("include_lines") else {}
            await self._send(response, {"role": "assistant", "content": ""} | lines)
            tokens = [(script.reasoning_field, token) for token in script.reasoning]
            answer: Iterable[str] = itertools.cycle(script.answer) if script.endless else script.answer
            if calls := _calls(script, asked):
                await self._call(response, *calls)
                answer = ()
            said = itertools.chain(tokens, (("content", token) for token in answer))
            began = asyncio.get_running_loop().time()
            for number, (kind, token) in enumerate(said):
                if script.break_after is not None and number >= script.break_after:
                    assert request.transport
                    request.transport.close()
                    return response
                if number == script.stall_after:
                    await self.go.wait()
                await self._send(response, {kind: token})
                self.sent += 1
                if script.rate:
                    due = began + (number + 1) / script.rate
                    await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            if script.calls and "tools" in asked:
                for index, (call_id, name, *arguments) in enumerate(script.calls):
                    if script.break_in_call:
                        await self._call(response, name, *arguments[:1], index=index, call_id=call_id)
                        assert request.transport
                        request.transport.close()
                        return response
                    await self._call(response, name, *arguments, index=index, call_id=call_id)
            await self._send(response, {}, script.finish_reason)
            await response.write(_event({"id": "x", "choices": [], "usage": self._usage(script)}))
            await response.write(b"data: [DONE]\n\n")
        except (asyncio.CancelledError, ConnectionResetError):
            self.cancelled += 1
            raise
        finally:
            self.streaming -= 1
        return response

    async def _call(
        self, response: web.StreamResponse, name: str, *arguments: str, index: int = 0, call_id: str = "call-1"
    ) -> None:
        first = {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
        await self._send(response, {"tool_calls": [first]})
        for piece in arguments:
            await self._send(response, {"tool_calls": [{"index": index, "function": {"arguments": piece}}]})

    async def _send(self, response: web.StreamResponse, delta: dict[str, Any], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish, "token_ids": None}
        event = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": self._model, "choices": [choice]}
        await response.write(_event(event))

    def _usage(self, script: Script) -> dict[str, int]:
        tokens = len(script.reasoning) + len(script.answer)
        return {"prompt_tokens": 11, "completion_tokens": tokens, "total_tokens": 11 + tokens}


def _calls(script: Script, asked: dict[str, Any]) -> tuple[str, ...]:
    """The tool's name and arguments where one is to be called: it is offered, and has not given its result yet."""
    return script.tool_call if "tools" in asked and asked["messages"][-1]["role"] != "tool" else ()


def _event(event: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"
