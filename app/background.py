"""Tasks that nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

_running: set[asyncio.Task[Any]] = set()
"""asyncio itself holds its tasks weakly: one that nobody else knows may be collected half-way."""


def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Starts a task that runs to its end although nobody keeps it."""
    task = asyncio.create_task(work)
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task
