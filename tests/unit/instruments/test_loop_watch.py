"""The instrument that names code that blocks the web process's event loop."""

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
    reported: list[str] = []
    watch = LoopWatch(reported.append, limit=0.2)
    watch.start()
    try:
        for _ in range(10):
            _computes(0.05)
            await asyncio.sleep(0.03)
        assert reported == []
        _computes(0.6)
        await asyncio.sleep(0.1)
    finally:
        watch.end()
    assert len(reported) == 1
    assert "_computes" in reported[0]
    assert "test_code_that_holds_the_loop" in reported[0]
    assert found(f"12:00 WARNING app.loop: {reported[0]}\n12:01 INFO app: more\n") == reported


async def test_a_sleep_on_the_loop_is_named_however_short_and_one_beside_it_is_not() -> None:
    reported: list[str] = []
    watch = LoopWatch(reported.append)
    watch.start()
    try:
        await asyncio.to_thread(time.sleep, 0.01)
        assert reported == []
        _sleeps()
    finally:
        watch.end()
    assert len(reported) == 1
    assert "time.sleep(0.001)" in reported[0]
    _sleeps()
    assert len(reported) == 1
