"""What `./start.sh verify` says of servers that do what this chat needs, and of those that do not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from engine.commands.cli import parser
from engine.measure.accuracy.sets import OUR_PICTURES
from engine.measure.functional import (
    PICTURE,
    CheckFailedError,
    Served,
    Server,
    check_picture,
    check_thinking,
    check_tools,
    find_served,
)
from tests.instruments.combinations import settings
from tests.instruments.ports import free_port
from tests.instruments.scripted_engine import ScriptedEngine

KEY = "a-key-that-must-not-be-seen"
SIGN = json.loads((OUR_PICTURES / "manifest.json").read_text())[PICTURE]


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedEngine]:
    async with ScriptedEngine(model="Kimi-K2.5") as engine:
        yield engine


def server(engine: ScriptedEngine, model: str = "") -> Server:
    return Server(engine.base_url, KEY, model)


async def found(engine: ScriptedEngine) -> Served:
    return await asyncio.to_thread(find_served, server(engine))


async def test_the_first_served_model_is_found_with_its_catalogue_entry(engine: ScriptedEngine) -> None:
    served = await found(engine)
    assert (served.name, served.model and served.model.title) == ("Kimi-K2.5", "Kimi K2.5")


async def test_a_name_that_is_not_served_is_told_those_that_are(engine: ScriptedEngine) -> None:
    with pytest.raises(CheckFailedError, match=r"ask for Kimi-K2\.5, or start it with --served-model-name other"):
        await asyncio.to_thread(find_served, server(engine, "other"))


def test_a_server_that_is_not_there_is_said_in_one_sentence() -> None:
    with pytest.raises(CheckFailedError, match="does not answer"):
        find_served(Server(f"http://127.0.0.1:{free_port()}/v1", KEY))


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
async def test_thoughts_apart_and_the_speed_are_reported(engine: ScriptedEngine, field: str) -> None:
    engine.script.reasoning, engine.script.reasoning_field = ["Hmm. "], field
    said = await asyncio.to_thread(check_thinking, server(engine), await found(engine))
    assert said.startswith("apart from the answer; first token after")
    assert said.endswith("tokens/s")
    assert (engine.requests[0]["temperature"], engine.requests[0]["top_p"]) == (1.0, 0.95)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (["<think>Hmm.</think>Paris."], "--reasoning-parser kimi_k2"),
        (["Hmm.</think>Paris."], "--reasoning-parser kimi_k2"),
        (["Paris."], "no thoughts came"),
        ([""], "is empty"),
    ],
)
async def test_thoughts_in_the_answer_or_none_at_all_are_wrong(
    engine: ScriptedEngine, answer: list[str], message: str
) -> None:
    engine.script.answer = answer
    with pytest.raises(CheckFailedError, match=message):
        await asyncio.to_thread(check_thinking, server(engine), await found(engine))


async def test_marks_that_llama_server_leaves_are_the_pages_business(engine: ScriptedEngine) -> None:
    engine.script.answer = ["◁think▷Hmm.◁/think▷Paris."]
    served = Served("Kimi-K2.5", "llamacpp", None)
    assert "the page takes them off" in await asyncio.to_thread(check_thinking, server(engine), served)


async def test_a_picture_is_read_by_its_words(engine: ScriptedEngine) -> None:
    served = await found(engine)
    engine.script.answer = [SIGN]
    assert (await asyncio.to_thread(check_picture, server(engine), served)).startswith("read, 0 of")
    assert engine.requests[0]["messages"][0]["content"][0]["image_url"]["url"].startswith("data:image/webp;base64,")
    engine.script.answer = ["I see no picture."]
    with pytest.raises(CheckFailedError, match="I see no picture"):
        await asyncio.to_thread(check_picture, server(engine), served)


async def test_a_refusal_is_told_in_the_engines_words(engine: ScriptedEngine) -> None:
    engine.script.status, engine.script.error = 400, "At most 0 image(s) may be provided"
    with pytest.raises(CheckFailedError, match="At most 0 image"):
        await asyncio.to_thread(check_picture, server(engine), await found(engine))


async def test_a_tool_call_is_put_together_and_read(engine: ScriptedEngine) -> None:
    engine.script.tool_call = ("get_weather", '{"ci', 'ty": "Beijing"}')
    said = await asyncio.to_thread(check_tools, server(engine), await found(engine))
    assert said == "parsed: get_weather for Beijing"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ((), "--tool-call-parser kimi_k2"),
        (("get_weather", "{broken"), "can't be read"),
        (("rm", '{"city": "Beijing"}'), "that there is not"),
    ],
)
async def test_a_call_that_did_not_come_through_is_wrong(
    engine: ScriptedEngine, call: tuple[str, ...], message: str
) -> None:
    engine.script.tool_call = call
    with pytest.raises(CheckFailedError, match=message):
        await asyncio.to_thread(check_tools, server(engine), await found(engine))


async def test_garbage_is_no_stream(engine: ScriptedEngine) -> None:
    engine.script.garbage = b"data: <html>\n\n"
    with pytest.raises(CheckFailedError, match="no stream"):
        await asyncio.to_thread(check_tools, server(engine), await found(engine))


async def test_the_command_reports_each_check_and_ends_with_1_where_one_is_wrong(
    engine: ScriptedEngine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    engine.script.reasoning, engine.script.answer = ["Hmm."], [SIGN]
    chosen = parser().parse_args(["verify", "--base-url", engine.base_url])
    assert await asyncio.to_thread(chosen.run, settings(), chosen) == 1
    printed = capsys.readouterr()
    assert [line.split(":")[0].split(maxsplit=1) for line in printed.out.splitlines()] == [
        ["ok", "name"], ["ok", "thinking"], ["ok", "picture"], ["WRONG", "tool call"],
    ]  # fmt: skip
    engine.script.tool_call = ("get_weather", '{"city": "Beijing"}')
    assert await asyncio.to_thread(chosen.run, settings(), chosen) == 0
    assert KEY not in printed.out + printed.err
    assert engine.headers[0]["Authorization"] == f"Bearer {KEY}"
