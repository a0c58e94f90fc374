"""What the real vLLM makes of a question, of a stream, and of an answer to go on with."""

import asyncio
from typing import Any

import pytest

from engine.nano.questions import numbers, thinking
from engine.reasoning_tags import KIMI_VL
from tests.instruments.nano_server import continued, heard, said
from tests.instruments.vllm_server import VllmServer

pytestmark = pytest.mark.vllm


async def test_reasoning_and_answer_come_apart(vllm: VllmServer) -> None:
    body = await vllm.ask("Count from 1 to 20")
    assert said(body) == (thinking(20), numbers(20))
    assert body["choices"][0]["finish_reason"] == "stop"
    usage = body["usage"]
    assert usage["prompt_tokens"] > 0
    # Each number is a token, in the reasoning and again in the answer; the marks and the plan come on top.
    assert 40 < usage["completion_tokens"] < 100
    assert 20 < usage["completion_tokens_details"]["reasoning_tokens"] < usage["completion_tokens"] - 19


@pytest.mark.parametrize("last", [1, 50, 120, 299])
async def test_streams_of_any_length(vllm: VllmServer, last: int) -> None:
    assert await heard(vllm.stream(f"Count from 1 to {last}")) == (thinking(last), numbers(last))


async def test_a_stream_sends_reasoning_first_and_its_usage_last(vllm: VllmServer) -> None:
    chunks = [chunk async for chunk in vllm.stream("Count from 1 to 30")]
    deltas: list[dict[str, Any]] = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    kinds = ["reasoning" if delta.get("reasoning") else "content" for delta in deltas if len(delta) > 0]
    kinds = [kind for kind, delta in zip(kinds, deltas, strict=False) if delta.get(kind)]
    assert kinds == sorted(kinds, reverse=True)
    assert kinds.count("reasoning") > 20
    assert kinds.count("content") > 20
    assert not any("reasoning_content" in delta for delta in deltas)
    everything = "".join((delta.get("reasoning") or "") + (delta.get("content") or "") for delta in deltas)
    assert "◁" not in everything
    assert "▷" not in everything
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] > 30


async def test_sixteen_streams_at_once_do_not_mix(vllm: VllmServer) -> None:
    lasts = range(10, 90, 5)
    answers = await asyncio.gather(*(heard(vllm.stream(f"Count from 1 to {last}")) for last in lasts))
    assert answers == [(thinking(last), numbers(last)) for last in lasts]


async def test_other_text_gets_an_answer_too(vllm: VllmServer) -> None:
    reasoning, answer = said(await vllm.ask("Please write a poem about the sea."))
    assert reasoning
    assert "test model" in answer


async def test_a_stop_text_ends_it(vllm: VllmServer) -> None:
    body = await vllm.ask("Count from 1 to 20", stop=[" 7"])
    assert said(body) == ("I count from 1 to 20: 1 2 3 4 5 6", "")
    assert body["choices"][0]["finish_reason"] == "stop"


async def test_thinking_cut_by_the_token_limit_is_all_reasoning(vllm: VllmServer) -> None:
    body = await vllm.ask("Count from 1 to 200", max_tokens=60)
    reasoning, answer = said(body)
    assert thinking(200).startswith(reasoning)
    assert answer == ""
    assert body["choices"][0]["finish_reason"] == "length"


PLAN = f"{KIMI_VL.open}I count from 1 to 12:"


@pytest.mark.parametrize(
    ("so_far", "expected"),
    [
        pytest.param(PLAN + f" 1 2 3{KIMI_VL.close}", ("", numbers(12)), id="answer-now"),
        pytest.param(f"{KIMI_VL.open}{KIMI_VL.close}", ("", numbers(12)), id="no-thinking"),
        pytest.param(f"{KIMI_VL.open}\n\n{KIMI_VL.close}", ("", numbers(12)), id="no-thinking-as-advised"),
        pytest.param(PLAN + " 1 2 3", (" " + numbers(12, 4), numbers(12)), id="in-the-open-think-block"),
        pytest.param(PLAN + " 1 2", (" " + numbers(12, 3), numbers(12)), id="in-the-open-think-block-earlier"),
        pytest.param(f"{PLAN} {numbers(12)}{KIMI_VL.close}1 2 3 4", ("", " " + numbers(12, 5)), id="in-the-answer"),
    ],
)
async def test_an_answer_continues_from_its_saved_text(
    vllm: VllmServer, so_far: str, expected: tuple[str, str]
) -> None:
    request = continued("Count from 1 to 12", so_far)
    assert said(await vllm.ask(**request)) == expected
    assert await heard(vllm.stream(**request)) == expected


async def test_going_on_from_any_character_shown_equals_an_undisturbed_run(vllm: VllmServer) -> None:
    reasoning, answer = said(await vllm.ask("Count from 1 to 15"))
    whole = f"{KIMI_VL.open}{reasoning}{KIMI_VL.close}{answer}"
    first = len(KIMI_VL.open) + len("I count from 1 to 15:")
    # Between numbers, as a stream of whole tokens is cut; inside the marks no text was shown yet.
    cuts = [at for at, character in enumerate(whole) if character == " " and at > first]
    answers = await asyncio.gather(*(vllm.ask(**continued("Count from 1 to 15", whole[:at])) for at in cuts))
    for at, body in zip(cuts, answers, strict=True):
        shown = (reasoning, "") if at <= len(KIMI_VL.open) + len(reasoning) else (reasoning, answer)
        more_reasoning, more_answer = said(body)
        if shown[1]:
            assert whole[:at] + more_answer == whole
        else:
            assert whole[:at] + more_reasoning + KIMI_VL.close + more_answer == whole


async def test_the_second_turn_finds_the_first_in_the_cache(vllm: VllmServer) -> None:
    asked = {"role": "user", "content": "Count from 1 to 299"}
    _, answer = said(await vllm.ask([asked]))
    turns = [asked, {"role": "assistant", "content": answer}, {"role": "user", "content": "Now count from 1 to 5"}]
    hits = await vllm.metric("vllm:prefix_cache_hits_total")
    assert said(await vllm.ask(turns))[1] == numbers(5)
    turns += [{"role": "assistant", "content": numbers(5)}, {"role": "user", "content": "Count from 1 to 3"}]
    body = await vllm.ask(turns)
    assert said(body)[1] == numbers(3)
    assert body["usage"]["prompt_tokens_details"]["cached_tokens"] >= 250
    assert await vllm.metric("vllm:prefix_cache_hits_total") >= hits + 250
