"""Asks what is to be done about an engine that says nothing for long: a queue or a long prompt is no fault, so that the
choice is a person's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.upstream.progress import Pulse, Tell

_AGAIN_SECONDS = 10


@dataclass(frozen=True)
class Patience:
    """How many seconds of silence are nothing unusual."""

    first: float = 180
    """Before the first token: reading a long prompt takes its time. Standing in the queue does not count."""
    idle: float = 60
    """Between two tokens."""


class Stall:
    """Hears how one answer goes; `ask` is told how many seconds the engine has been silent, and None when that is over.

    `keep_waiting` is set by a person who wants no more of it: the question comes again after as long again.
    """

    def __init__(
        self, patience: Patience, keep_waiting: asyncio.Event, ask: Callable[[float | None], Awaitable[None]]
    ) -> None:
        self._patience = patience
        self._keep_waiting = keep_waiting
        self._ask = ask
        self._left_queue = 0.0
        self._waited = 0.0
        self._asked: float | None = None

    def after(self, tell: Tell) -> Tell:
        """What hears each pulse after `tell` has heard it."""

        async def both(pulse: Pulse | None) -> None:
            await tell(pulse)
            await self._hear(pulse)

        return both

    async def _hear(self, pulse: Pulse | None) -> None:
        silent = self._silent(pulse) if pulse else 0.0
        limit = self._patience.idle if pulse and pulse.begun else self._patience.first
        if silent < limit:
            # Tokens have come: what was waited for is no measure any more.
            self._waited = 0.0
        if self._keep_waiting.is_set():
            self._keep_waiting.clear()
            self._waited = silent if self._asked is not None else 0.0
        if silent - self._waited < limit:
            if self._asked is not None:
                self._asked = None
                await self._ask(None)
        elif self._asked is None or silent - self._asked >= _AGAIN_SECONDS:
            self._asked = silent
            await self._ask(silent)

    def _silent(self, pulse: Pulse) -> float:
        if pulse.position is not None:
            self._left_queue = pulse.elapsed
        return min(pulse.silent, pulse.elapsed - self._left_queue)
