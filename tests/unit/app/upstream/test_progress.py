"""While an answer grows: its place in the engine's queue, its speed, the time without a token."""

from __future__ import annotations

import asyncio
import gc
import re
import weakref
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from app.page.answer import wording
from app.talk.stream_timer import Clock
from app.telemetry.activity import activity
from app.upstream import client as engine_client
from app.upstream import progress
from app.upstream.client import EngineClient
from app.upstream.progress import Pulse, Queue, beating, waiting_in
from engine.config import ROOT
from engine.reasoning_tags import Kind, Piece
from tests.instruments.launch_plan import launch_plan
from tests.instruments.scripted_engine import Script
from tests.unit.app.turn.test_run import Desk, desk

__all__ = ["desk"]


class Metrics:
    """An instrument: an engine of which only /metrics is there."""

    def __init__(self) -> None:
        self.waiting = 0
        self.asked = 0
        self.hang = asyncio.Event()
        self.hang.set()

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        await self.hang.wait()
        text = f'# TYPE vllm:num_requests_waiting gauge\nvllm:num_requests_waiting{{engine="0"}} {self.waiting}.0\n'
        return web.Response(text=text + 'vllm:num_requests_waiting_by_reason{reason="capacity"} 99.0\n')


@pytest.fixture
async def engine(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Metrics, EngineClient]]:
    monkeypatch.setattr(progress, "EVERY_SECONDS", 0.02)
    metrics = Metrics()
    app = web.Application()
    app.router.add_get("/metrics", metrics.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = EngineClient(launch_plan(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", engine="vllm"), "key")
    yield metrics, client
    metrics.hang.set()
    await client.close()
    await runner.cleanup()


async def test_the_place_is_counted_from_the_front(engine: tuple[Metrics, EngineClient]) -> None:
    metrics, client = engine
    queue, clocks = client.queue, [Clock() for _ in range(4)]
    for clock in clocks:
        queue.enter(clock)
    metrics.waiting = 3
    assert [await queue.position(clock) for clock in clocks] == [None, 1, 2, 3]
    assert activity.queued == 3
    queue.leave(clocks[0])
    metrics.waiting = 2
    await asyncio.sleep(0.05)
    assert [await queue.position(clock) for clock in clocks[1:]] == [None, 1, 2]
    for clock in clocks:
        queue.leave(clock)
    assert activity.queued is None


async def test_many_that_wait_ask_the_engine_once(
    engine: tuple[Metrics, EngineClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics, client = engine
    monkeypatch.setattr(progress, "EVERY_SECONDS", 60.0)
    queue, clocks = client.queue, [Clock() for _ in range(16)]
    for clock in clocks:
        queue.enter(clock)
    await asyncio.gather(*(queue.position(clock) for clock in clocks))
    assert metrics.asked == 1


async def test_an_engine_that_hangs_does_not_hold_the_line_back_until_it_is_hidden(
    engine: tuple[Metrics, EngineClient],
) -> None:
    metrics, client = engine
    metrics.hang.clear()
    # Far longer than METRICS_SECONDS, and shorter than any other limit of the client's.
    async with asyncio.timeout(engine_client.CONNECT_SECONDS - 0.5):
        assert await client.metrics() == ""
    script = (ROOT / "public" / "pulse.js").read_text(encoding="utf-8")
    [hidden_after] = re.findall(r"setTimeout\(hide, (\d+)\)", script)
    assert int(hidden_after) / 1000 > 1.0 + engine_client.METRICS_SECONDS


async def test_a_client_that_is_closed_is_forgotten_with_its_queue() -> None:
    client = EngineClient(launch_plan("http://h/v1", engine="vllm"), "key")
    assert isinstance(client.queue, Queue)
    gone = weakref.ref(client)
    await client.close()
    del client
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("fails", [(False,), (True,), (False, True)], ids=["a pulse", "the end", "both"])
async def test_a_turn_ends_as_it_ends_however_its_telling_fails(
    engine: tuple[Metrics, EngineClient], caplog: pytest.LogCaptureFixture, fails: tuple[bool, ...]
) -> None:
    _, client = engine
    tried = asyncio.Event()

    async def tell(seen: Pulse | None) -> None:
        tried.set()
        if (seen is None) in fails:
            raise RuntimeError("no page")

    async def turn() -> str:
        async with asyncio.timeout(30), beating(Clock(), client.queue, tell):
            await tried.wait()
        return "an answer"

    assert await turn() == "an answer"
    assert [record.name for record in caplog.records] == ["app.upstream.progress"] * len(fails)
    caplog.clear()

    with pytest.raises(ValueError, match="the turn's own"):
        async with asyncio.timeout(30), beating(Clock(), client.queue, tell):
            raise ValueError("the turn's own")


async def test_the_progress_of_a_growing_answer(engine: tuple[Metrics, EngineClient]) -> None:
    metrics, client = engine
    metrics.waiting = 1
    clock, reported = Clock(), list[Pulse | None]()

    async def tell(seen: Pulse | None) -> None:
        reported.append(seen)

    def last(condition: Callable[[Pulse], object]) -> bool:
        return bool(reported and reported[-1] and condition(reported[-1]))

    async def until(condition: Callable[[Pulse], object]) -> None:
        while not last(condition):
            await asyncio.sleep(0.01)

    async with asyncio.timeout(30), beating(clock, client.queue, tell):
        await until(lambda seen: seen.position == 1 and not seen.begun)
        piece = Piece(Kind.ANSWER, "x")
        clock.saw(piece, piece, 5)
        await until(lambda seen: seen.begun and seen.tokens_per_second and seen.position is None)
        await until(lambda seen: seen.tokens_per_second is None and seen.silent > 0.1)
    assert reported[-1] is None


async def test_a_short_answer_ends_before_any_progress_is_shown(desk: Desk) -> None:
    desk.engine.script = Script(answer=["A ", "sign."])
    await desk.ask()
    assert desk.screen.pulses == [None]


async def test_a_long_one_shows_its_speed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY_SECONDS", 0.1)
    desk.engine.script = Script(answer=["word "] * 40, rate=40)
    await desk.ask()
    speeds = [seen.tokens_per_second for seen in desk.screen.pulses if seen and seen.tokens_per_second]
    assert speeds
    assert all(1 < speed < 400 for speed in speeds)


@pytest.mark.parametrize("sample", ["NaN", "+Inf", "-Inf"])
def test_a_metric_that_is_no_count_says_nothing(sample: str) -> None:
    assert waiting_in([f"a_b {sample}"], "a_b") is None


def test_a_metric_is_found_by_its_whole_name() -> None:
    lines = ["# HELP a_b Text", "a_b 2", 'a_b{engine="1"} 3.0', "a_b_c 50", "a_b nonsense"]
    assert waiting_in(lines[:4], "a_b") == 5
    assert waiting_in(lines, "a_b") is None
    assert waiting_in([], "a_b") is None


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Pulse(1.0, 1.0), ""),
        (Pulse(4.6, 4.6, position=3), "In the engine's queue: number 3 · 4 s"),
        (Pulse(4.6, 4.6), "Waiting for the first token · 4 s"),
        (Pulse(45, 45), "No token for 45 s: a long prompt, or the engine is stuck"),
        (Pulse(45, 0.1, begun=True, tokens_per_second=2.34), "2.3 tokens/s"),
        (Pulse(45, 0.1, begun=True, tokens_per_second=61.7), "62 tokens/s"),
        (Pulse(45, 0.1, begun=True), ""),
        (Pulse(45, 7.9, begun=True, tokens_per_second=61.7), "No token for 7 s"),
        (Pulse(45, 31, begun=True), "No token for 31 s: the engine may be stuck"),
    ],
)
def test_the_sentences_that_a_person_reads(seen: Pulse, words: str) -> None:
    assert wording.pulse(seen, "en") == words
    assert bool(wording.pulse(seen, "zh")) is bool(words)
