"""Has the idle engine read the beginning of a prompt into its cache, for a question that is still being typed.

That is a request for one token. It never delays a question: one that begins in the same way waits for it, since the
engine would otherwise read the same pictures twice, and any other cancels it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Body = Mapping[str, Any]
"""The JSON of a chat completion request."""
Outcome = Literal["done", "gave_way", "failed"]
_SHAPING = "model", "tools", "chat_template_kwargs"
"""What shapes a prompt besides its messages."""
_LONGEST_WAIT = 120.0
"""Seconds that a question waits for it; after that the engine may hang on its picture."""
_log = logging.getLogger("app.upstream.warm_up")


@dataclass
class _Running:
    body: Body
    task: asyncio.Task[None]


class WarmUp:
    """The warm-up of one engine: at most one runs at a time.

    `send` sends a request, reads its reply and raises whatever goes wrong.
    """

    def __init__(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        self._send = send
        self._running: _Running | None = None

    @property
    def running(self) -> bool:
        """Whether the engine is reading ahead now."""
        return self._running is not None

    async def run(self, body: Body) -> Outcome:
        """Sends `body`, whose last message is the beginning of a question; ends early if it is in somebody's way."""
        if self._running:
            return "gave_way"
        running = self._running = _Running(body, asyncio.create_task(self._until_read(body)))
        try:
            await asyncio.wait([running.task])
        finally:
            running.task.cancel()
            self._running = None
        if running.task.cancelled():
            return "gave_way"
        if error := running.task.exception():
            # Nobody waits for it, so it is no error of the user's.
            _log.info("the engine could not read ahead: %s", type(error).__name__)
            return "failed"
        return "done"

    async def _until_read(self, body: Body) -> None:
        # Pictures in it are megabytes of text.
        encoded = await asyncio.to_thread(json.dumps, body)
        await self._send(encoded.encode())

    async def give_way(self, request: Body) -> None:
        """Called before a question is sent: waits if it begins like the running warm-up, and cancels that otherwise."""
        if running := self._running:
            try:
                if begins(running.body, request):
                    await asyncio.wait([running.task], timeout=_LONGEST_WAIT)
            finally:
                # It is over, in the way, hangs, or the question was stopped.
                running.task.cancel()

    def cancel(self) -> None:
        """Cancels the running warm-up, if there is one."""
        if self._running:
            self._running.task.cancel()


def begins(beginning: Body, request: Body) -> bool:
    """Whether the prompt of `request` begins with that of `beginning`, whose last message may be incomplete."""
    if any(beginning.get(name) != request.get(name) for name in _SHAPING):
        return False
    *before, last = beginning["messages"]
    same, after = request["messages"][: len(before)], request["messages"][len(before) :]
    if same != before or not after or after[0]["role"] != last["role"]:
        return False
    begun, whole = last["content"], after[0]["content"]
    return not begun or (isinstance(begun, list) and isinstance(whole, list) and whole[: len(begun)] == begun)
