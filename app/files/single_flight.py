"""Work that several callers want at the same time is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

_Made = TypeVar("_Made")


@dataclass
class _Flight(Generic[_Made]):
    task: asyncio.Task[_Made]
    callers: int = 0


class SingleFlight(Generic[_Made]):
    """The work in progress, by key. It is cancelled with the last of its callers."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[_Made]] = {}

    async def do(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, _Made]]) -> _Made:
        """The result of `work`, or of the work that another caller has begun under this key."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.create_task(work()))
        flight.callers += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.callers -= 1
            if not flight.callers:
                flight.task.cancel()
            if (not flight.callers or flight.task.done()) and self._flights.get(key) is flight:
                del self._flights[key]
