"""A tool server at an address: MCP's streamable HTTP, with a limit on the size of each reply."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
from mcp.client.streamable_http import streamable_http_client

from engine.tools.config import Entry
from engine.tools.result import MOST_BYTES
from engine.tools.transport import Ended, Streams

_CONNECT_SECONDS = 10.0
_GOODBYE_SECONDS = 3.0
"""How long the request that ends a session may take; nothing else limits it."""


class ReplyTooLargeError(httpx.TransportError):
    """A server's reply has more than `MOST_BYTES`."""


@contextlib.asynccontextmanager
async def remote(entry: Entry) -> AsyncIterator[Streams]:
    """Connects to the server of `entry`. No redirects: its headers may hold a key, which is for this address only."""
    # No limit to reading: it would end the connection with all its calls, and each call has its own.
    timeout = httpx.Timeout(None, connect=_CONNECT_SECONDS)
    hooks: dict[str, list[Callable[..., Any]]] = {"request": [_limit_goodbye], "response": [_limit]}
    async with (
        httpx.AsyncClient(headers=entry.headers, timeout=timeout, event_hooks=hooks, follow_redirects=False) as http,
        streamable_http_client(entry.url, http_client=http) as (read, write, _),
    ):
        yield Streams(read, write, Ended())


async def _limit_goodbye(request: httpx.Request) -> None:
    if request.method == "DELETE":
        request.extensions["timeout"] = httpx.Timeout(_GOODBYE_SECONDS).as_dict()


async def _limit(response: httpx.Response) -> None:
    assert isinstance(response.stream, httpx.AsyncByteStream)
    response.stream = _Limited(response.stream)


class _Limited(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> Any:
        taken = 0
        async for chunk in self._stream:
            taken += len(chunk)
            if taken > MOST_BYTES:
                raise ReplyTooLargeError("The reply is too large.")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
