"""A reply read in batches: nothing is lost or late, and its connection is reused for the next question."""

from __future__ import annotations

from typing import Any

from app.upstream.backpressure import flow_of
from app.upstream.client import EngineClient
from engine.plans.launch import LaunchPlan
from tests.instruments.scripted_engine import Script, ScriptedEngine

TOKENS = [f"{n} " for n in range(100)]
REQUEST: dict[str, Any] = {"model": "scripted", "stream": True, "messages": [{"role": "user", "content": "Count."}]}


async def read(client: EngineClient, rest: float) -> tuple[bytes, int]:
    read, chunks = b"", 0
    async with client.ask(REQUEST, {}) as reply:
        async for chunk in reply:
            read, chunks = read + chunk, chunks + 1
            await reply.rest(rest)
    return read, chunks


def client_of(engine: ScriptedEngine) -> EngineClient:
    plan = LaunchPlan("vllm", "Kimi-VL-A3B-Thinking", "scripted", engine.base_url, "file")
    return EngineClient(plan, "")


async def test_data_that_arrives_during_a_pause_is_read_at_once_after_it() -> None:
    async with ScriptedEngine() as engine:
        engine.script = Script(answer=TOKENS, rate=200)
        client = client_of(engine)
        for _ in range(2):
            # The second answer comes over the connection of the first, which no pause may have been left on.
            whole, chunks = await read(client, 0.1)
            assert all(f'"content": "{token}"'.encode() in whole for token in TOKENS)
            assert whole.endswith(b"data: [DONE]\n\n")
            assert chunks < len(TOKENS) / 4
        await client.close()


async def test_the_connection_can_be_held_while_the_stream_runs_and_not_after() -> None:
    # The way there leads through what openai and httpx2 call private: an upgrade that closes it is noticed here.
    async with ScriptedEngine() as engine:
        engine.script = Script(answer=TOKENS, rate=200)
        client = client_of(engine)
        async with client.ask(REQUEST, {}) as reply:
            response = reply._response
            chunks = aiter(reply)
            await anext(chunks)
            assert flow_of(response) is not None
            async for _ in chunks:
                pass
            assert flow_of(response) is None
        await client.close()
