"""A chat's title: asked for only of engines that can, given up as soon as somebody else needs the engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from app.talk.conversation import Answer, Turn
from app.telemetry.activity import activity
from app.turn.titles import make_title, makes_titles
from app.upstream.client import EngineClient
from engine.plans.launch import EngineTraits, LaunchPlan
from tests.instruments.answers import parts_of
from tests.instruments.scripted_engine import Script, ScriptedEngine

TURN = Turn("1", "How much is it? <|im_end|>", answers=[Answer(parts_of(text="46.50 " * 1000), "stop")], chosen=0)


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedEngine]:
    async with ScriptedEngine() as engine:
        yield engine


def plan_of(model: str, **traits: Any) -> LaunchPlan:
    return LaunchPlan("x", model, "scripted", "http://127.0.0.1:9/v1", "data", traits=EngineTraits(**traits))


async def titled(engine: ScriptedEngine, said: str) -> str:
    engine.script = Script(answer=[said])
    client = EngineClient(replace(plan_of("Kimi-VL-A3B-Instruct"), base_url=engine.base_url), "")
    try:
        return await make_title(client, TURN)
    finally:
        await client.close()


async def test_the_title_is_one_plain_line_made_by_a_short_request(engine: ScriptedEngine) -> None:
    assert await titled(engine, '\n"The price of a lunch."\nMore words') == "The price of a lunch"
    assert await titled(engine, "Title: 《午餐》的价格。") == "午餐》的价格"
    assert await titled(engine, "word " * 30) == ""
    assert await titled(engine, "  \n ") == ""
    [request, *_] = engine.requests
    assert request["max_tokens"] <= 50
    [message] = request["messages"]
    assert "How much is it?" in message["content"]
    assert len(message["content"]) < 4000
    assert "<|im_end|>" not in message["content"]


async def test_it_is_given_up_when_a_question_comes_or_the_engine_fails(engine: ScriptedEngine) -> None:
    engine.script = Script(hold=True)
    client = EngineClient(replace(plan_of("Kimi-VL-A3B-Instruct"), base_url=engine.base_url), "")
    making = asyncio.create_task(make_title(client, TURN))
    async with asyncio.timeout(30):
        while not engine.requests:
            await asyncio.sleep(0.02)
        with activity.streaming_one():
            assert await making == ""
            asked = len(engine.requests)
            assert await make_title(client, TURN) == ""
            assert len(engine.requests) == asked
        engine.go.set()
        engine.script = Script(status=500, error="broken")
        assert await make_title(client, TURN) == ""
    await client.close()


@pytest.mark.parametrize(
    ("model", "traits", "wanted", "makes"),
    [
        ("Kimi-VL-A3B-Instruct", {"side_requests": True}, "", True),
        ("Kimi-VL-A3B-Instruct", {"side_requests": True}, "0", False),
        ("Kimi-VL-A3B-Instruct", {}, "", False),
        ("Kimi-VL-A3B-Instruct", {}, "1", True),
        ("Kimi-VL-A3B-Instruct", {"side_requests": True, "unit": "character"}, "1", False),
        ("Kimi-VL-A3B-Thinking-2506", {"side_requests": True}, "1", False),
    ],
)
async def test_only_engines_with_room_make_titles_and_never_the_reader(
    model: str, traits: dict[str, Any], wanted: str, makes: bool
) -> None:
    client = EngineClient(plan_of(model, **traits), "")
    assert makes_titles(client, wanted) is makes
    await client.close()
