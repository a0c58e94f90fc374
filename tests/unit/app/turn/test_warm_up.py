"""The engine reads the beginning of a question ahead: in the question's own bytes, and never in anybody's way."""

from __future__ import annotations

import asyncio
import itertools
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.talk.conversation import Answer, Picture, Turn
from app.turn.job import Job
from app.turn.request import make_warm_up
from app.upstream.client import EngineClient
from app.upstream.warm_up import begins
from tests.instruments import waiting
from tests.instruments.answers import parts_of
from tests.instruments.pictures import png, shop_sign
from tests.instruments.scripted_engine import Script
from tests.unit.app.turn.test_run import Desk, desk

__all__ = ["desk"]
until = partial(waiting.until, seconds=20)
SETTINGS: dict[str, Any] = {"system_prompt": "Be brief.", "stop": ["x"], "temperature": 0.3}


def pictures(folder: Path, *names: str) -> list[Picture]:
    for name in names:
        (folder / name).write_bytes(png(shop_sign(name)))
    return [Picture(str(folder / name), name, 320, 200) for name in names]


async def warm_up(client: EngineClient, *turns: Turn) -> dict[str, Any]:
    return await make_warm_up(client, Job(turns, Answer(), SETTINGS))


def answered(turn: Turn) -> Turn:
    turn.answers, turn.chosen = [Answer(parts_of("It seems so.", "A sign."), "stop")], 0
    return turn


@pytest.mark.parametrize("engine", ["llama", "sglang"])
async def test_it_is_the_beginning_of_the_question_byte_for_byte(desk: Desk, tmp_path: Path, engine: str) -> None:
    desk.plan(engine=engine, pictures="data" if engine == "llama" else "file")
    client = await desk.state.ready()
    first, second = pictures(tmp_path, "a.png"), pictures(tmp_path, "b.png", "c.png")
    before = answered(Turn("1", "What is it?", first))
    for shown in (second[:1], second, []):
        ahead = await warm_up(client, before, Turn("2", "", shown))
        assert (ahead["max_tokens"], ahead["stream"]) == (1, False)
        assert not {"stop", "stream_options"} & set(ahead)
        await client.warm_up.run(ahead)
        await desk.ask(before, Turn("2", "And these?", second), **SETTINGS)
        sent, asked = (json.loads(body)["messages"] for body in desk.engine.bodies[-2:])
        assert json.dumps(asked[:-1]) == json.dumps(sent[:-1])
        assert json.dumps(asked[-1]["content"][: len(shown)]) == json.dumps(sent[-1]["content"] or [])
        assert begins(ahead, desk.request)


async def test_each_turn_begins_with_the_one_before_byte_for_byte(desk: Desk, tmp_path: Path) -> None:
    desk.plan(engine="llama", pictures="data", picture_patches=64)
    turns: list[Turn] = []
    for number, names in enumerate((["a.png"], [], ["b.png", "c.png"], [])):
        turns.append(Turn(str(number), f"Question {number}", pictures(tmp_path, *names)))
        await desk.ask(*turns, **SETTINGS)
        answered(turns[-1])
    sent = [json.loads(body)["messages"] for body in desk.engine.bodies]
    for earlier, later in itertools.pairwise(sent):
        assert json.dumps(later).startswith(json.dumps(earlier)[:-1])


async def test_a_question_that_begins_so_waits_and_any_other_cancels_it(desk: Desk, tmp_path: Path) -> None:
    client = await desk.state.ready()
    turn = Turn("1", "What is it?", pictures(tmp_path, "a.png"))
    ahead = await warm_up(client, Turn("1", "", turn.pictures))
    desk.engine.script = Script(hold=True)
    reading = asyncio.create_task(client.warm_up.run(ahead))
    await until(lambda: desk.engine.requests)
    desk.engine.script = Script()
    asking = asyncio.create_task(desk.ask(turn, **SETTINGS))
    await asyncio.sleep(0.3)
    assert len(desk.engine.requests) == 1
    desk.engine.go.set()
    assert (await asking).text == "An answer."
    assert await reading == "done"

    desk.engine.script = Script(hold=True)
    desk.engine.go.clear()
    reading = asyncio.create_task(client.warm_up.run(ahead))
    await until(lambda: len(desk.engine.requests) == 3)
    assert await client.warm_up.run(ahead) == "gave_way"
    desk.engine.script = Script()
    assert (await desk.ask(Turn("1", "Something else"), **SETTINGS)).text == "An answer."
    assert await reading == "gave_way"
    await until(lambda: desk.engine.left)
    assert not client.warm_up.running


async def test_a_question_goes_on_when_the_warm_up_before_it_fails(desk: Desk, tmp_path: Path) -> None:
    client = await desk.state.ready()
    turn = Turn("1", "What is it?", pictures(tmp_path, "a.png"))
    ahead = await warm_up(client, Turn("1", "", turn.pictures))
    desk.engine.script = Script(status=500, error="broken")
    assert await client.warm_up.run(ahead) == "failed"
    desk.engine.script = Script()
    assert (await desk.ask(turn, **SETTINGS)).text == "An answer."


async def test_a_programs_request_cancels_it(desk: Desk) -> None:
    client = await desk.state.ready()
    desk.engine.script = Script(hold=True)
    reading = asyncio.create_task(client.warm_up.run({"messages": [{"role": "user", "content": ""}]}))
    await until(lambda: desk.engine.requests)
    assert client.idle
    desk.engine.script = Script()
    async with client.passing("POST", "chat/completions", b'{"messages": []}') as reply:
        assert not client.idle
        await reply.aread()
    assert await reading == "gave_way"


def test_another_system_prompt_model_or_picture_is_another_beginning() -> None:
    def body(*content: str, system: str = "s", **more: Any) -> dict[str, Any]:
        return {"messages": [{"role": "system", "content": system}, {"role": "user", "content": [*content]}], **more}

    assert begins(body("a"), body("a", "What?"))
    assert begins(body(), body("a", "What?"))
    assert not begins(body("b"), body("a", "What?"))
    assert not begins(body("a", "b"), body("a"))
    assert not begins(body("a"), body("a", system="t"))
    assert not begins(body("a"), body("a", model="other"))
    assert not begins(body("a"), {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}]})
    assert not begins(body("a"), {"messages": [{"role": "system", "content": "s"}]})
