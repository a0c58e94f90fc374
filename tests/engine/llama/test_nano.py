"""Nano, served by llama-server, sees and counts as it does on vLLM; and what it sees without our reordering."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from app.files.padded import padded
from engine.nano.gguf.convert import MMPROJ, convert
from tests.instruments.llama_server import LlamaServer, parted
from tests.instruments.nano_server import (
    LASTS,
    data_url,
    fresh_shapes,
    numbers,
    picture_question,
    png,
    right,
    said,
    thinking,
)

pytestmark = pytest.mark.llama
AT_ONCE = 8
"""llama-server hangs up on some of two hundred connections at once."""


async def shapes_right(server: LlamaServer, *, as_its_processor: bool = True) -> int:
    """How many of 200 shapes it names."""
    asked = fresh_shapes()
    patches = server.plan.picture_patches
    assert patches == 40
    pictures = [png(picture) for _, picture, _ in asked]
    urls = [data_url(padded(data, patches) if as_its_processor else data) for data in pictures]
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(url: str, question: str) -> dict[str, Any]:
        async with gate:
            # A longer reply is wrong anyway: without an end it would be 1,500 tokens.
            return await server.ask(picture_question(url, text=question), max_tokens=60)

    bodies = await asyncio.gather(*(ask(url, question) for url, (_, _, question) in zip(urls, asked, strict=True)))
    replies = zip(asked, bodies, strict=True)
    return sum(right(shape, parted(said(body))) for (shape, _, _), body in replies)


async def test_shapes_on_fresh_renderings(llama: LlamaServer) -> None:
    # 192, as on vLLM, when it was committed.
    assert await shapes_right(llama) >= 190


async def test_counts(llama: LlamaServer) -> None:
    bodies = await asyncio.gather(*(llama.ask(f"Count from 1 to {last}") for last in LASTS))
    assert [parted(said(body)) for body in bodies] == [(thinking(last), numbers(last)) for last in LASTS]


async def test_in_the_order_of_llama_cpps_converter_it_does_not_see(llama_program: Path, tmp_path: Path) -> None:
    """Should this fail, llama.cpp reads the rows as they come: then the reordering must go (docs/llama.md)."""
    convert(tmp_path / "as-upstream")
    server = LlamaServer(llama_program, tmp_path, mmproj=tmp_path / "as-upstream" / MMPROJ)
    server.start()
    try:
        assert await shapes_right(server) < 100  # 81 when it was committed
    finally:
        server.stop()


async def test_llama_servers_own_scaling_sees_less(llama: LlamaServer) -> None:
    assert await shapes_right(llama, as_its_processor=False) < 170  # 130 to 132 when it was tried
