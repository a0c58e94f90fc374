"""Programs' request bodies: large ones are read a few at a time, and all are parsed off the event loop."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from fastapi import Request

from app.api.completion_request import CompletionRequest, Pictures
from app.api.errors import ApiError
from app.fair_queue import FairLine, LineFullError

SMALL_BYTES = 4 * 1024 * 1024
"""A body up to this size does not wait for others."""
_AGAIN_SECONDS = 5


class BodyQueue:
    """The queue of all large bodies: `of_one` at once per program; rejects those that wait over `patience` seconds."""

    def __init__(self, of_one: int = 2, patience: float = 60.0) -> None:
        self._line = FairLine(at_once=4 * of_one, of_one=of_one, waiting=50)
        self._patience = patience

    async def read(
        self, request: Request, program: str, place: AsyncExitStack, pictures: Pictures | None = None
    ) -> CompletionRequest:
        """Reads a program's request; `pictures` checks the fields of its kind of request.

        `place` holds its place in the queue until it is closed.

        Raises:
            ApiError: it is not a valid request, or too many of this program's are being read.
            ClientDisconnect: the program has disconnected.
        """
        length = request.headers.get("content-length", "")
        if not length.isdigit() or int(length) > SMALL_BYTES:
            try:
                await place.enter_async_context(self._line.place(program, self._patience))
            except LineFullError:
                raise _too_many() from None
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
        except BaseException:
            # The exception may be kept for a while, and with its traceback the locals of this function.
            body.clear()
            raise
        return await asyncio.to_thread(CompletionRequest, body, pictures)


def _too_many() -> ApiError:
    message = f"Too many requests of this key above {SMALL_BYTES // 1024 // 1024} MB are being read: try again soon."
    return ApiError(429, message, "too_many_large_requests", retry_after=_AGAIN_SECONDS)
