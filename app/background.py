"""Background tasks that no one awaits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

_running: set[asyncio.Task[Any]] = set()
"""asyncio itself keeps only weak references: a task without another reference may be collected while it runs."""


def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Starts a background task, and keeps a reference to it until it ends."""
    task = asyncio.create_task(work)
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task
