"""Tasks that no one awaits, and work that is completed even if its caller is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import wraps
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")
_running: set[asyncio.Task[Any]] = set()
"""asyncio itself keeps only weak references: a task without another reference may be collected while it runs."""


def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Starts a background task, and keeps a reference to it until it ends."""
    task = asyncio.create_task(work)
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task


def finished(write: Callable[_P, Coroutine[Any, Any, _T]]) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """Shields a write from cancellation: it completes first, and then its caller is cancelled.

    A cancelled statement leaves its connection in the middle of a transaction, and SQLite locked for everyone else.
    Every stopped answer would risk that.
    """

    @wraps(write)
    async def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        task = asyncio.create_task(write(*args, **kwargs))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            while not task.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([task])
            if not task.cancelled():
                # The caller no longer wants the result, and asyncio would log an exception that was never retrieved.
                task.exception()
            raise

    return run
