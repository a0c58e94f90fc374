"""Reads a streamed response in large chunks: in between, its bytes wait in the kernel and wake no task.

Waking up for each token costs more than processing it, and nothing is drawn before the next batch anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Protocol

import httpx2


class _Flow(Protocol):
    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Reply:
    """A streaming response. Iterating over it yields its bytes as they arrive."""

    def __init__(self, response: httpx2.Response, chunks: AsyncIterator[bytes]) -> None:
        self._response = response
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    async def rest(self, seconds: float) -> None:
        """Sleeps while incoming bytes wait in the kernel; the next chunk then has all of them."""
        flow = flow_of(self._response)
        if flow is None:
            await asyncio.sleep(seconds)
            return
        flow.pause_reading()
        try:
            await asyncio.sleep(seconds)
        finally:
            flow.resume_reading()


def flow_of(response: httpx2.Response) -> _Flow | None:
    """What can pause this response's connection; None if it has ended, or does not go through aiohttp."""
    stream: Any = response.stream
    # httpx2 and openai wrap aiohttp's response without exposing it. If it is not found, bytes are read as they arrive.
    while (inner := getattr(stream, "_stream", None)) is not None:
        stream = inner
    answer = getattr(stream, "_aiohttp_response", None)
    connection = answer.connection if answer is not None else None
    flow: _Flow | None = connection.protocol if connection is not None else None
    return flow
