"""Forwarding requests: slow engines, silent engines, and engines that redirect."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import orjson
import pytest

from app.api.completion_request import CompletionRequest
from app.api.errors import ApiError
from app.api.forwarding import choose_model, pass_on, pass_on_model
from app.api.response import Outlet
from app.upstream import client as engine_client
from app.upstream.client import EngineClient
from engine.plans.launch import LaunchPlan
from tests.instruments.scripted_engine import ScriptedEngine

REQUEST = CompletionRequest(b'{"messages":[{"role":"user","content":"Hello"}]}')


class Sent:
    """The events of a reply."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.outlet = Outlet(self._send)

    async def _send(self, message: Any) -> None:
        self.messages.append(message)


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedEngine]:
    async with ScriptedEngine() as engine:
        yield engine


@pytest.fixture
async def client(engine: ScriptedEngine) -> AsyncIterator[EngineClient]:
    plan = LaunchPlan("vllm", "Kimi-VL-A3B-Thinking", "scripted", engine.base_url, "file")
    client = EngineClient(plan, "the engine's key")
    yield client
    await client.close()


async def test_an_answer_may_be_an_hour_coming(client: EngineClient, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[httpx2.Request] = []
    real = client._http.send

    async def watched(request: httpx2.Request, **options: Any) -> httpx2.Response:
        seen.append(request)
        return await real(request, **options)

    monkeypatch.setattr(client._http, "send", watched)
    await pass_on(client, "POST", "chat/completions", REQUEST, Sent().outlet)
    timeout = seen[0].extensions["timeout"]
    assert timeout["connect"] < 30
    assert all(timeout[phase] is None or timeout[phase] >= 3600 for phase in ("read", "write", "pool"))


async def test_an_engine_that_stays_silent_is_given_up_in_the_end(
    client: EngineClient, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_client, "PASSING_SILENCE_SECONDS", 0.5)
    engine.script.hold = True
    with pytest.raises(ApiError) as raised:
        await pass_on(client, "POST", "chat/completions", REQUEST, Sent().outlet)
    assert raised.value.status == 504
    assert client.uses == 0


async def test_the_key_does_not_follow_an_engine_that_redirects(client: EngineClient, engine: ScriptedEngine) -> None:
    stolen: list[bytes] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stolen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async def redirecting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        target = f"http://127.0.0.1:{thief.sockets[0].getsockname()[1]}/"
        writer.write(f"HTTP/1.1 307 Away\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with (
        await asyncio.start_server(elsewhere, "127.0.0.1", 0) as thief,
        await asyncio.start_server(redirecting, "127.0.0.1", 0) as server,
    ):
        plan = LaunchPlan("vllm", "x", "x", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", "file")
        away = EngineClient(plan, "the engine's key")
        sent = Sent()
        await pass_on(away, "GET", "models", None, sent.outlet)
        await away.close()
    assert sent.messages[0]["status"] == 307
    assert not any(name == b"location" for name, _ in sent.messages[0]["headers"])
    assert stolen == []


def asking(model: str | None) -> CompletionRequest:
    return CompletionRequest(json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello"}]}).encode())


async def test_a_model_that_came_later_is_found(client: EngineClient, engine: ScriptedEngine) -> None:
    await choose_model(client, asking("scripted"))
    engine._model = "a-later-one"
    await choose_model(client, asking("a-later-one"))
    with pytest.raises(ApiError, match="the models are: a-later-one"):
        await choose_model(client, asking("scripted-2"))
    await choose_model(client, asking(None))


@pytest.mark.parametrize(
    ("served", "asked"),
    [
        ("Kimi-K2.5", "moonshotai/Kimi-K2.5"),
        ("Kimi-K2.5", "Kimi K2.5"),
        ("moonshotai/Kimi-K2.6", "Kimi-K2.6"),
        ("Kimi-VL-A3B-Instruct", "Kimi VL A3B Instruct"),
        ("Kimi-VL-A3B-Thinking-2506", "moonshotai/Kimi-VL-A3B-Thinking-2506"),
    ],
)
async def test_any_name_of_the_model_reaches_it(
    client: EngineClient, engine: ScriptedEngine, served: str, asked: str
) -> None:
    engine._model = served
    request = asking(asked)
    await choose_model(client, request)
    assert json.loads(request.encode())["model"] == served


async def test_another_model_of_the_catalogue_is_not_taken_for_the_served_one(
    client: EngineClient, engine: ScriptedEngine
) -> None:
    engine._model = "Kimi-VL-A3B-Thinking"
    with pytest.raises(ApiError, match="the models are: Kimi-VL-A3B-Thinking"):
        await choose_model(client, asking("Kimi-VL-A3B-Thinking-2506"))


async def test_an_unrequested_encoding_of_the_engine_is_passed_on_unchanged() -> None:
    packed = gzip.compress(b'{"data": []}')

    async def packing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n"
        writer.write(f"HTTP/1.1 200 OK\r\n{head}Connection: close\r\n\r\n".encode() + packed)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(packing, "127.0.0.1", 0) as server:
        plan = LaunchPlan("vllm", "x", "x", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", "file")
        client = EngineClient(plan, "the engine's key")
        sent = Sent()
        await pass_on(client, "GET", "models", None, sent.outlet)
        await client.close()
    start, body = sent.messages
    assert (b"content-encoding", b"gzip") in start["headers"]
    assert body["body"] == packed


async def test_an_engine_without_an_address_is_told_from_one_that_misses_something() -> None:
    said = [b'{"detail":"Not Found"}', b'{"error":{"message":"File Not Found","code":404}}', b"404: Not Found"]
    missing = b'{"error":{"message":"The model `x` does not exist."}}'

    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = said.pop() if said else missing
        head = f"HTTP/1.1 404 Not Found\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refusing, "127.0.0.1", 0) as server:
        plan = LaunchPlan("vllm", "x", "x", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", "file")
        client = EngineClient(plan, "the engine's key")
        while said:
            with pytest.raises(ApiError, match="has no /v1/responses: use POST /v1/chat/completions") as lacking:
                await pass_on(client, "POST", "responses", REQUEST, Sent().outlet)
            assert lacking.value.status == 404
        sent = Sent()
        await pass_on(client, "POST", "responses", REQUEST, sent.outlet)
        await client.close()
    assert (sent.messages[0]["status"], sent.messages[1]["body"]) == (404, missing)


async def test_one_model_is_an_entry_of_the_engines_list(client: EngineClient, engine: ScriptedEngine) -> None:
    engine._model = "moonshotai/Kimi-VL"
    sent = Sent()
    await pass_on_model(client, "moonshotai/Kimi-VL", sent.outlet)
    start, body = sent.messages
    assert (start["status"], orjson.loads(body["body"])["max_model_len"]) == (200, 32768)
    with pytest.raises(ApiError, match="the models are: moonshotai/Kimi-VL") as unknown:
        await pass_on_model(client, "Kimi-VL", sent.outlet)
    assert (unknown.value.status, unknown.value.code) == (404, "model_not_found")
