"""The bytes of a streamed reply, read in gulps: while nobody looks, they wait in the kernel and wake nobody up.

Waking up for each token costs more than all that is done with it, and nothing is drawn before the next frame anyway.
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
    """One reply, under way. Iterating over it gives its bytes as they come."""

    def __init__(self, response: httpx2.Response, chunks: AsyncIterator[bytes]) -> None:
        self._response = response
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    async def rest(self, seconds: float) -> None:
        """Sleeps so long, and has what comes meanwhile wait; the next chunk is then all of it."""
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
    """What can hold this reply's connection; None where it has ended, or does not go through aiohttp."""
    stream: Any = response.stream
    # httpx2 and openai wrap aiohttp's response and show it nowhere. Without it all is read as it comes.
    while (inner := getattr(stream, "_stream", None)) is not None:
        stream = inner
    answer = getattr(stream, "_aiohttp_response", None)
    connection = answer.connection if answer is not None else None
    flow: _Flow | None = connection.protocol if connection is not None else None
    return flow
