"""What the real llama-server makes of a question, of a stream, and of an answer to go on with."""

import asyncio
import random
from pathlib import Path

import pytest

from engine.nano.questions import numbers, thinking
from engine.nano.shapes import draw_shape
from engine.reasoning_tags import KIMI_VL
from tests.instruments.llama_server import LlamaServer, finish_reason, parted
from tests.instruments.nano_server import continued, data_url, heard, picture_question, png, said

pytestmark = pytest.mark.llama


async def test_the_marks_stay_in_the_text(llama: LlamaServer) -> None:
    body = await llama.ask("Count from 1 to 20")
    assert said(body) == ("", f"{KIMI_VL.open}{thinking(20)}{KIMI_VL.close}{numbers(20)}")
    assert finish_reason(body) == "stop"
    assert 40 < body["usage"]["completion_tokens"] < 100


@pytest.mark.parametrize("last", [1, 50, 120, 299])
async def test_streams_of_any_length(llama: LlamaServer, last: int) -> None:
    assert parted(await heard(llama.stream(f"Count from 1 to {last}"))) == (thinking(last), numbers(last))


async def test_a_stream_has_its_usage_last(llama: LlamaServer) -> None:
    chunks = [chunk async for chunk in llama.stream("Count from 1 to 30")]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] > 60


async def test_sixteen_streams_at_once_do_not_mix(llama: LlamaServer) -> None:
    lasts = range(10, 90, 5)
    answers = await asyncio.gather(*(heard(llama.stream(f"Count from 1 to {last}")) for last in lasts))
    assert [parted(answer) for answer in answers] == [(thinking(last), numbers(last)) for last in lasts]


async def test_a_stop_text_ends_it(llama: LlamaServer) -> None:
    body = await llama.ask("Count from 1 to 20", stop=[" 7"])
    assert parted(said(body)) == ("I count from 1 to 20: 1 2 3 4 5 6", "")
    assert finish_reason(body) == "stop"


async def test_thinking_cut_by_the_token_limit_is_all_reasoning(llama: LlamaServer) -> None:
    body = await llama.ask("Count from 1 to 200", max_tokens=60)
    reasoning, answer = parted(said(body))
    assert thinking(200).startswith(reasoning)
    assert (answer, finish_reason(body)) == ("", "length")


PLAN = f"{KIMI_VL.open}I count from 1 to 12:"


@pytest.mark.parametrize(
    ("so_far", "more"),
    [
        pytest.param(PLAN + f" 1 2 3{KIMI_VL.close}", numbers(12), id="answer-now"),
        pytest.param(f"{KIMI_VL.open}{KIMI_VL.close}", numbers(12), id="no-thinking"),
        pytest.param(f"{KIMI_VL.open}\n\n{KIMI_VL.close}", numbers(12), id="no-thinking-as-advised"),
        pytest.param(PLAN + " 1 2 3", f" {numbers(12, 4)}{KIMI_VL.close}{numbers(12)}", id="in-the-open-think-block"),
        pytest.param(f"{PLAN} {numbers(12)}{KIMI_VL.close}1 2 3 4", f" {numbers(12, 5)}", id="in-the-answer"),
    ],
)
async def test_an_answer_goes_on_from_what_is_there(llama: LlamaServer, so_far: str, more: str) -> None:
    request = continued("Count from 1 to 12", so_far)
    assert await heard(llama.stream(**request)) == ("", more)
    # Without streaming it repeats the beginning that it was given.
    assert said(await llama.ask(**request)) == ("", so_far + more)


async def test_a_second_turn_finds_the_first_in_the_cache(llama: LlamaServer) -> None:
    asked = {"role": "user", "content": "Count from 1 to 299"}
    _, answer = parted(said(await llama.ask([asked])))
    turns = [asked, {"role": "assistant", "content": answer}, {"role": "user", "content": "Count from 1 to 5"}]
    await llama.ask(turns)
    turns += [{"role": "assistant", "content": numbers(5)}, {"role": "user", "content": "Count from 1 to 3"}]
    body = await llama.ask(turns)
    assert parted(said(body))[1] == numbers(3)
    assert body["usage"]["prompt_tokens_details"]["cached_tokens"] >= 250


@pytest.mark.parametrize(("memory_gb", "chats"), [(8, 6), (2, 4)])
async def test_chats_in_turn_find_their_pictures_in_the_cache(
    llama_program: Path, tmp_path: Path, memory_gb: float, chats: int
) -> None:
    server = LlamaServer(llama_program, tmp_path, memory_gb=memory_gb)
    server.start()
    try:
        asked = [
            picture_question(data_url(png(draw_shape("ring", random.Random(number), (240, 200)))))
            for number in range(chats)
        ]
        for messages in asked:
            await server.ask(messages)
        for messages in asked:
            answer = {"role": "assistant", "content": "A ring."}
            body = await server.ask([*messages, answer, {"role": "user", "content": "Count from 1 to 3"}])
            usage = body["usage"]
            assert usage["prompt_tokens_details"]["cached_tokens"] > usage["prompt_tokens"] / 2
    finally:
        server.stop()
