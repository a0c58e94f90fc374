"""Programs' request bodies: how many are read at once, and where they are parsed."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import AsyncExitStack
from typing import Any

import pytest
from starlette.requests import Request

from app.api import body_queue
from app.api.body_queue import SMALL_BYTES, BodyQueue
from app.api.completion_request import CompletionRequest
from app.api.errors import ApiError
from app.api.response import Outlet, Reply
from tests.instruments.waiting import until

BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hello"}]}).encode()


class Program:
    """Sends bodies that say they are large, or do not say how large they are; their bytes come when `go` is set."""

    def __init__(self, length: str = str(SMALL_BYTES + 1)) -> None:
        self.reading = 0
        self.go = asyncio.Event()
        headers = [(b"content-length", length.encode())] if length else []
        self._scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": headers}

    def request(self) -> Request:
        return Request(self._scope, self._receive)

    async def _receive(self) -> Any:
        self.reading += 1
        await self.go.wait()
        return {"type": "http.request", "body": BODY, "more_body": False}


@pytest.mark.parametrize("length", [str(SMALL_BYTES + 1), ""])
async def test_of_one_program_two_large_bodies_are_read_at_once_until_they_are_passed_on(length: str) -> None:
    line, program, other, small = BodyQueue(), Program(length), Program(), Program("100")
    places = [AsyncExitStack() for _ in range(5)]
    reads = [asyncio.create_task(line.read(program.request(), "a", place)) for place in places]
    await until(lambda: program.reading == 2, 10)
    program.go.set()
    await asyncio.wait(reads[:2])
    # Their pictures are being looked at.
    await asyncio.sleep(0.05)
    assert program.reading == 2
    for one, name in ((other, "b"), (small, "a")):
        one.go.set()
        async with AsyncExitStack() as place:
            assert (await line.read(one.request(), name, place)).model == "m"
    for place in places[:2]:
        await place.aclose()
    await asyncio.wait(reads[2:4])
    assert program.reading == 4
    for place in places[2:4]:
        await place.aclose()
    assert (await reads[4]).model == "m"


async def test_a_large_body_that_waits_too_long_is_a_429() -> None:
    line, program = BodyQueue(of_one=1, patience=0.01), Program()
    reading = asyncio.create_task(line.read(program.request(), "a", AsyncExitStack()))
    await until(lambda: program.reading == 1, 10)
    with pytest.raises(ApiError) as refusal:
        await line.read(program.request(), "a", AsyncExitStack())
    assert (refusal.value.status, refusal.value.code) == (429, "too_many_large_requests")
    reading.cancel()


async def test_no_body_is_taken_apart_on_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    def noted(body: bytes, pictures: None) -> CompletionRequest:
        threads.append(threading.current_thread())
        return CompletionRequest(body)

    monkeypatch.setattr(body_queue, "CompletionRequest", noted)
    program = Program("100")
    program.go.set()
    await BodyQueue().read(program.request(), "a", AsyncExitStack())
    assert threads
    assert threading.main_thread() not in threads


async def test_a_reply_that_is_cancelled_before_it_began_frees_its_place() -> None:
    freed = []
    held = AsyncExitStack()
    held.callback(freed.append, "place")

    async def never(outlet: Outlet) -> None:
        await asyncio.Event().wait()

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        raise AssertionError(message)

    replying = asyncio.create_task(Reply(never, lambda: True, held)({"type": "http"}, receive, send))
    await asyncio.sleep(0)
    replying.cancel()
    await asyncio.wait([replying])
    assert freed == ["place"]
