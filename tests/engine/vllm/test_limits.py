"""Keys, limits, cancelling and stopping, at the real vLLM."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import aiohttp
import psutil
import pytest

from engine.nano.questions import numbers
from tests.instruments.nano_server import KEY, MAX_MODEL_LEN, conversation, said
from tests.instruments.vllm_server import VllmServer

pytestmark = pytest.mark.vllm


@pytest.mark.parametrize("key", [None, "wrong", ""])
async def test_without_the_key_nothing_is_answered(vllm: VllmServer, key: str | None) -> None:
    status, _ = await vllm.send(conversation("Count from 1 to 3"), key=key)
    assert status == 401
    assert vllm.healthy()


def test_the_key_is_on_no_command_line(vllm: VllmServer) -> None:
    lines = [" ".join(process.cmdline()) for process in vllm.processes()]
    assert any("--served-model-name nano" in line for line in lines)
    assert not any(KEY in line for line in lines)


async def test_another_model_is_not_found(vllm: VllmServer) -> None:
    status, _ = await vllm.send(conversation("Count from 1 to 3"), model="other")
    assert status == 404


async def test_a_prompt_that_is_too_long(vllm: VllmServer) -> None:
    status, body = await vllm.send(conversation("word " * (MAX_MODEL_LEN + 100)), max_tokens=10)
    assert status == 400
    assert body["error"]["param"] == "input_tokens"
    assert str(MAX_MODEL_LEN) in body["error"]["message"]


async def test_more_tokens_than_there_is_room_for(vllm: VllmServer) -> None:
    status, body = await vllm.send(conversation("Count from 1 to 3"), max_tokens=MAX_MODEL_LEN + 1)
    assert status == 400
    assert body["error"]["param"] == "max_tokens"


async def test_cancelling_frees_the_engine(vllm: VllmServer) -> None:
    async with aclosing(vllm.stream("Count from 1 to 300", max_tokens=3000, ignore_eos=True)) as chunks:
        async for chunk in chunks:
            if chunk["choices"] and chunk["choices"][0]["delta"].get("reasoning"):
                break
        assert await vllm.metric("vllm:num_requests_running") == 1
    async with asyncio.timeout(30):
        while await vllm.metric("vllm:num_requests_running"):
            await asyncio.sleep(0.05)


async def test_questions_are_not_logged(vllm: VllmServer) -> None:
    assert said(await vllm.ask("A very private question"))
    assert "private question" not in vllm.log.read_text()


@pytest.fixture
def own(vllm_python: Path, tmp_path: Path) -> Iterator[VllmServer]:
    """A vLLM that a test may end."""
    server = VllmServer(vllm_python, tmp_path)
    server.start()
    yield server
    server.stop()


async def test_sigterm_lets_a_stream_finish_or_cuts_it_and_leaves_no_process(own: VllmServer) -> None:
    family = own.processes()
    assert len(family) > 1
    text = ""
    signalled = 0.0
    try:
        async for chunk in own.stream("Count from 1 to 100"):
            choices = chunk.get("choices", [])  # the last may be an error
            if not signalled and choices and choices[0]["delta"].get("reasoning"):
                os.killpg(own.pid, signal.SIGTERM)
                signalled = time.monotonic()
            text += "".join(choice["delta"].get("content") or "" for choice in choices)
    except aiohttp.ClientError:
        pass  # cut: allowed, as long as nothing hangs
    assert signalled
    assert numbers(100).startswith(text)
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, timeout=60)
    assert alive == []
