"""Keys, limits, cancelling and stopping, at the real llama-server."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from tests.instruments.llama_server import LlamaServer
from tests.instruments.nano_server import KEY, conversation, data_url, picture_question, said

pytestmark = pytest.mark.llama


@pytest.mark.parametrize("key", [None, "wrong", ""])
async def test_without_the_key_nothing_is_answered(llama: LlamaServer, key: str | None) -> None:
    status, _ = await llama.send(conversation("Count from 1 to 3"), key=key)
    assert status == 401
    assert llama.healthy()


def test_the_key_is_on_no_command_line(llama: LlamaServer) -> None:
    lines = [" ".join(process.cmdline()) for process in llama.processes()]
    assert any("--alias nano" in line for line in lines)
    assert not any(KEY in line for line in lines)


async def test_a_prompt_that_is_too_long(llama: LlamaServer) -> None:
    status, body = await llama.send(conversation("word " * 5000), max_tokens=10)
    assert status == 400
    assert body["error"]["type"] == "exceed_context_size_error"
    assert body["error"]["n_ctx"] == llama.plan.context


@pytest.mark.parametrize("url", [data_url(b"no picture"), "file:///etc/passwd"])
async def test_a_broken_picture_and_a_file_of_the_machine_are_refused(llama: LlamaServer, url: str) -> None:
    status, _ = await llama.send(picture_question(url), max_tokens=10)
    assert status == 400
    assert said(await llama.ask("Count from 1 to 3"))[1]


async def test_cancelling_frees_the_engine(llama: LlamaServer) -> None:
    async with aclosing(llama.stream("Count from 1 to 300", max_tokens=3000, ignore_eos=True)) as chunks:
        async for chunk in chunks:
            if chunk["choices"] and chunk["choices"][0]["delta"].get("content"):
                break
        assert await llama.metric("llamacpp:requests_processing") == 1
    async with asyncio.timeout(30):
        while await llama.metric("llamacpp:requests_processing"):
            await asyncio.sleep(0.05)


async def test_it_tells_how_many_wait(llama: LlamaServer) -> None:
    """The metric that the page reads a place in the queue from."""
    long = [
        asyncio.create_task(llama.ask("Count from 1 to 300", max_tokens=800, ignore_eos=True))
        for _ in range(len(PLACES))
    ]
    try:
        async with asyncio.timeout(60):
            while not await llama.metric("llamacpp:requests_deferred"):
                await asyncio.sleep(0.01)
    finally:
        await asyncio.gather(*long)


PLACES = range(12)


async def test_questions_are_not_logged(llama: LlamaServer) -> None:
    await llama.ask("A very private question")
    assert "private question" not in llama.log.read_text()


@pytest.fixture
def own(llama_program: Path, tmp_path: Path) -> Iterator[LlamaServer]:
    """A llama-server that a test may end."""
    server = LlamaServer(llama_program, tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_it_ends_and_leaves_no_process(own: LlamaServer, number: signal.Signals) -> None:
    family = own.processes()
    os.killpg(own.pid, number)
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, timeout=60)
    assert alive == []
