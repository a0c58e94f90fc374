"""The worker: one picture at a time, in order, with a cache, and cancelled without waiting."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest

from engine.reader import worker as module
from engine.reader.reading.lines import Line
from engine.reader.reading.prepare import Pixels
from engine.reader.worker import Event, Job, Worker
from tests.instruments import waiting
from tests.instruments.pictures import png, shop_sign
from tests.unit.engine.reader.lines import line

until = partial(waiting.until, seconds=30)
A, B, C = (png(shop_sign(text)) for text in "ABC")


class Gated:
    """A recogniser that continues only when the test allows it."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.began = 0
        self.stages = 0

    def read(self, pixels: Pixels, progress: Callable[[int, int], None]) -> list[Line]:
        self.began += 1
        progress(0, 2)
        for done in (1, 2):
            assert self.gate.acquire(timeout=30)
            self.stages += 1
            progress(done, 2)
        return [line("first", 0, 0, 90), line("second", 0, 40, 90)]


@asynccontextmanager
async def running(recogniser: Gated, seconds: float = 60) -> AsyncIterator[Worker]:
    worker = Worker(lambda: recogniser, seconds)
    task = asyncio.create_task(worker.run())
    try:
        await until(lambda: worker.ready)
        yield worker
    finally:
        recogniser.gate.release(100)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def events(job: Job) -> list[Event]:
    async with asyncio.timeout(30):
        return [event async for event in job.events()]


async def test_a_picture_is_read_and_its_steps_are_reported() -> None:
    recogniser = Gated()
    recogniser.gate.release(2)
    async with running(recogniser) as worker:
        job = worker.submit(A)
        assert [name for name, _ in await events(job)] == ["picture", "found", "lines", "lines", "read"]
        assert (await job.result).texts == ["first", "second"]


async def test_pictures_wait_in_order_and_get_their_place() -> None:
    recogniser = Gated()
    async with running(recogniser) as worker:
        first = worker.submit(A)
        await until(lambda: recogniser.began == 1)
        second, third = worker.submit(B), worker.submit(C)
        assert (worker.running, worker.waiting) == (1, 2)
        recogniser.gate.release(6)
        assert ("waiting", {"ahead": 1}) not in await events(first)
        assert (await events(second))[0] == ("waiting", {"ahead": 1})
        reported = await events(third)
        assert reported[:2] == [("waiting", {"ahead": 2}), ("waiting", {"ahead": 1})]
        assert recogniser.began == 3


async def test_the_same_picture_is_read_once() -> None:
    recogniser = Gated()
    recogniser.gate.release(2)
    async with running(recogniser) as worker:
        first, meanwhile = worker.submit(A), worker.submit(A)
        reading = await first.result
        assert await meanwhile.result is reading
        later = worker.submit(A)
        assert [name for name, _ in await events(later)] == ["known", "read"]
        assert await later.result is reading
        assert recogniser.began == 1


async def test_the_memory_forgets_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CACHE_ENTRIES", 2)
    recogniser = Gated()
    recogniser.gate.release(6)
    async with running(recogniser) as worker:
        for data in (A, B, C):
            await worker.submit(data).result
        assert [worker.known(data) for data in (A, B, C)] == [False, True, True]


async def test_the_memory_is_bounded_by_its_text_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CACHE_CHARACTERS", 12 + 2 * module._PLACE)
    recogniser = Gated()
    recogniser.gate.release(4)
    async with running(recogniser) as worker:
        for data in (A, B):  # eleven characters each
            await worker.submit(data).result
        assert [worker.known(data) for data in (A, B)] == [False, True]


async def test_a_cancelled_picture_leaves_the_queue_and_the_others_move_up() -> None:
    recogniser = Gated()
    async with running(recogniser) as worker:
        first = worker.submit(A)
        await until(lambda: recogniser.began == 1)
        second, third = worker.submit(B), worker.submit(C)
        worker.cancel(second)
        assert worker.waiting == 1
        recogniser.gate.release(4)
        await third.result
        assert (await events(third))[1] == ("waiting", {"ahead": 1})
        assert recogniser.began == 2
        assert first.result.done()


async def test_a_picture_cancelled_while_it_is_read_stops_at_the_next_step() -> None:
    recogniser = Gated()
    async with running(recogniser) as worker:
        job = worker.submit(A)
        await until(lambda: recogniser.began == 1)
        worker.cancel(job)
        recogniser.gate.release(1)
        await until(lambda: worker.running == 0)
        assert recogniser.stages == 1
        assert not worker.known(A)


async def test_a_picture_over_its_time_becomes_an_answer() -> None:
    recogniser = Gated()
    recogniser.gate.release(2)
    async with running(recogniser, seconds=0) as worker:
        reading = await worker.submit(A).result
        assert reading.rows == ()
        assert not worker.known(A)


async def test_a_picture_that_fails_does_not_end_the_worker() -> None:
    recogniser = Gated()
    recogniser.gate.release(2)
    async with running(recogniser) as worker:
        with pytest.raises(Exception, match="cannot identify"):
            await worker.submit(b"no picture").result
        assert (await worker.submit(A).result).lines == 2
