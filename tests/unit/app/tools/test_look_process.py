"""The processes of our own tools are shared by all chats."""

import asyncio
from typing import Any

import pytest

from app.fair_queue import FairLine
from app.files.pictures import PictureLimits
from app.tools import look_process
from app.tools.look_process import look
from app.tools.tool import Outcome

LIMITS = PictureLimits(802_816, 7154)


async def test_two_run_at_once_and_people_are_served_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, order, go = 0, 0, [], asyncio.Event()

    async def process(tool: str, arguments: Any, data: bytes, limits: PictureLimits) -> Outcome:
        nonlocal running, most
        running += 1
        most = max(most, running)
        order.append(tool)
        await go.wait()
        await asyncio.sleep(0)
        running -= 1
        return Outcome(tool)

    monkeypatch.setattr(look_process, "_look", process)
    asked = [asyncio.create_task(look(f"anna {n}", {}, b"", LIMITS, "anna")) for n in range(6)]
    await asyncio.sleep(0)
    asked.append(asyncio.create_task(look("ben", {}, b"", LIMITS, "ben")))
    await asyncio.sleep(0)
    go.set()
    async with asyncio.timeout(30):
        done = await asyncio.gather(*asked)
    assert not any(outcome.failed for outcome in done)
    assert most == 2
    assert order.index("ben") <= 3


async def test_a_call_that_waited_too_long_is_ended_and_the_model_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    line = FairLine(1)
    monkeypatch.setattr(look_process, "_line", line)
    monkeypatch.setattr(look_process, "_WAIT_SECONDS", 0.05)
    async with line.place("ben"):
        outcome = await look("crop", {}, b"", LIMITS, "anna")
    assert outcome.failed
    assert "later" in outcome.text
