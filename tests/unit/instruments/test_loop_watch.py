"""The instrument that names what holds up the page's event loop."""

from __future__ import annotations

import asyncio
import time

from tests.instruments.loop_watch import LoopWatch, found


def _computes(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def _sleeps() -> None:
    time.sleep(0.001)


async def test_code_that_holds_the_loop_is_named_and_what_yields_is_not() -> None:
    told: list[str] = []
    watch = LoopWatch(told.append, limit=0.2)
    watch.start()
    try:
        for _ in range(10):
            _computes(0.05)
            await asyncio.sleep(0.03)
        assert told == []
        _computes(0.6)
        await asyncio.sleep(0.1)
    finally:
        watch.end()
    assert len(told) == 1
    assert "_computes" in told[0]
    assert "test_code_that_holds_the_loop" in told[0]
    assert found(f"12:00 WARNING app.loop: {told[0]}\n12:01 INFO app: more\n") == told


async def test_a_sleep_on_the_loop_is_named_however_short_and_one_beside_it_is_not() -> None:
    told: list[str] = []
    watch = LoopWatch(told.append)
    watch.start()
    try:
        await asyncio.to_thread(time.sleep, 0.01)
        assert told == []
        _sleeps()
    finally:
        watch.end()
    assert len(told) == 1
    assert "time.sleep(0.001)" in told[0]
    _sleeps()
    assert len(told) == 1
