"""A task that is not awaited runs to its end."""

from __future__ import annotations

import asyncio
import gc
import weakref

from app.background import spawn


async def test_a_task_without_a_reference_survives_garbage_collection() -> None:
    waits_for: list[weakref.ref[asyncio.Future[None]]] = []
    done: list[str] = []

    async def work() -> None:
        # Only the task itself knows this future, and only the future the task.
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waits_for.append(weakref.ref(woken))
        await woken
        done.append("work")

    spawn(work())
    await asyncio.sleep(0)
    gc.collect()
    woken = waits_for[0]()
    assert woken
    woken.set_result(None)
    await asyncio.sleep(0)
    assert done == ["work"]
