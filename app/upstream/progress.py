"""The progress of an answer, once a second, so that users can tell a slow engine from a stuck one."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from app.talk.stream_timer import Clock
from app.telemetry.activity import activity
from engine.plans.launch import EngineTraits

_log = logging.getLogger("app.upstream.progress")

EVERY_SECONDS = 1.0
_WINDOW = 5
"""Seconds over which the speed is averaged."""


@dataclass(frozen=True)
class Pulse:
    """The progress at one moment. Times are in seconds."""

    elapsed: float
    """Since the question was sent."""
    silent: float
    """Since the last token, or since the question was sent."""
    begun: bool = False
    """Whether a token has arrived."""
    position: int | None = None
    """The position in the engine's queue, 1 being next; None if it is being processed or the position is unknown."""
    tokens_per_second: float | None = None


Report = Callable[[Pulse | None], Awaitable[None]]


class Queue:
    """The positions of our requests in one engine's queue. However many wait, the engine is polled about once a second.

    `engine` has the traits from the plan; `metrics` fetches the engine's metrics.
    """

    def __init__(self, engine: EngineTraits, metrics: Callable[[], Awaitable[str]]) -> None:
        self._metrics = metrics
        self._name = engine.queue_metric
        self.reports_tokens = engine.unit == "token"
        """Whether a piece of its stream is about one token; the reader sends longer stretches of text."""
        self._pending: list[Clock] = []
        self._asked = 0.0
        self._asking = asyncio.Lock()

    def enter(self, clock: Clock) -> None:
        """Adds a request that has been sent."""
        self._pending.append(clock)

    def leave(self, clock: Clock) -> None:
        """Removes a request that has its first token, or has ended."""
        if clock in self._pending:
            self._pending.remove(clock)
        if not self._pending:
            activity.queued = None

    async def position(self, clock: Clock) -> int | None:
        """A request's position in the queue; engines process requests in the order of arrival."""
        async with self._asking:
            if self._name and time.monotonic() - self._asked >= EVERY_SECONDS / 2:
                text = await self._metrics()
                activity.queued = waiting_in(text.splitlines(), self._name) if text else None
                self._asked = time.monotonic()
        if not activity.queued or clock not in self._pending:
            return None
        later = len(self._pending) - 1 - self._pending.index(clock)
        place = activity.queued - later
        return place if place > 0 else None


def waiting_in(lines: Iterable[str], name: str) -> int | None:
    """The sum of a metric's samples; None if there are none."""
    values = [line.rpartition(" ")[2] for line in lines if re.match(rf"{re.escape(name)}[ {{]", line)]
    with suppress(ValueError, OverflowError):  # "NaN" and "+Inf" are samples, too
        return int(sum(map(float, values))) if values else None
    return None


@asynccontextmanager
async def beating(clock: Clock, queue: Queue, report: Report) -> AsyncIterator[None]:
    """Calls `report` once a second with the progress of the answer measured by `clock`, and with None at the end.

    An exception in `report` is logged, and the answer goes on.
    """
    queue.enter(clock)
    task = asyncio.create_task(_beat(clock, queue, report))
    try:
        yield
    finally:
        queue.leave(clock)
        task.cancel()
        await _settle(task)
        await _settle(report(None))


async def _settle(reporting: Awaitable[None]) -> None:
    [ended] = await asyncio.gather(reporting, return_exceptions=True)
    if isinstance(ended, Exception):
        _log.error("the progress of an answer could not be reported", exc_info=ended)


async def _beat(clock: Clock, queue: Queue, report: Report) -> None:
    seen: deque[tuple[float, int]] = deque(maxlen=_WINDOW + 1)
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        begun = clock.first is not None
        if begun:
            queue.leave(clock)
        position = None if begun else await queue.position(clock)
        now = time.monotonic()
        seen.append((now, clock.pieces))
        speed = _speed(seen) if queue.reports_tokens else None
        await report(Pulse(now - clock.asked, now - clock.last, begun, position, speed))


def _speed(seen: deque[tuple[float, int]]) -> float | None:
    (since, before), (now, pieces) = seen[0], seen[-1]
    return (pieces - before) / (now - since) if pieces > before else None
