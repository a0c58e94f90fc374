"""Asks the user what to do about an engine that is silent for long.

A queue or a long prompt is not a fault, so the user decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.upstream.progress import Pulse, Report

_AGAIN_SECONDS = 10


@dataclass(frozen=True)
class Patience:
    """How many seconds of silence are normal."""

    first: float = 180
    """Before the first token, since reading a long prompt takes time. Waiting in the queue does not count."""
    idle: float = 60
    """Between two tokens."""


class Stall:
    """Watches one answer; calls `ask` with the seconds of silence, and with None once it is over.

    If the user sets `keep_waiting`, the question comes back only after the same time again.
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

    def after(self, report: Report) -> Report:
        """A function that passes each pulse to `report` and then watches it."""

        async def both(pulse: Pulse | None) -> None:
            await report(pulse)
            await self._hear(pulse)

        return both

    async def _hear(self, pulse: Pulse | None) -> None:
        silent = self._silent(pulse) if pulse else 0.0
        limit = self._patience.idle if pulse and pulse.begun else self._patience.first
        if silent < limit:
            # Tokens have arrived, so the silence starts from zero.
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
