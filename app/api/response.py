"""The response to one request, sent while its client is connected and its key is valid."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

import orjson
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.api.errors import ApiError
from app.api.keyring import removed

LOOK_SECONDS = 2.0
"""How often to check that the key is still valid."""
_log = logging.getLogger("app.api")


class Outlet:
    """Sends a response, whole or as a stream."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._streaming = False

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Sends everything at once."""
        await self._start(status, {**headers, "content-length": str(len(body))})
        await self._send({"type": "http.response.body", "body": body})

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Begins a stream of events."""
        # Keep a proxy in front from buffering the stream.
        await self._start(status, {**headers, "cache-control": "no-store", "x-accel-buffering": "no"})
        self._streaming = True

    async def chunk(self, data: bytes) -> None:
        """Sends a piece of the stream."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        """Ends the stream."""
        await self._send({"type": "http.response.body", "body": b""})

    async def fail(self, error: ApiError) -> None:
        """Reports an error: as the response, or as the last event of a stream, which clients raise as an exception."""
        if self._streaming:
            # The empty lines end an event that was sent only in part.
            await self.chunk(b"\n\ndata: " + orjson.dumps(error.body()) + b"\n\n")
            await self.end()
        else:
            response = error.response()
            await self.whole(error.status, dict(response.headers), bytes(response.body))

    async def _start(self, status: int, headers: Mapping[str, str]) -> None:
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})


class Reply(Response):
    """Runs `work` until it is done, the client disconnects, or `allowed` returns False; then cancels it.

    A request whose client is gone would otherwise keep the engine busy for up to an hour. `held` is closed at the end
    at the latest.
    """

    def __init__(
        self, work: Callable[[Outlet], Awaitable[None]], allowed: Callable[[], bool], held: AsyncExitStack | None = None
    ) -> None:
        super().__init__()
        self._work = work
        self._allowed = allowed
        self._held = held or AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection; the request's body must have been read."""
        async with self._held:
            await self._reply(receive, send)

    async def _reply(self, receive: Receive, send: Send) -> None:
        outlet = Outlet(send)
        working = asyncio.ensure_future(self._work(outlet))
        leaving = asyncio.create_task(_left(receive))
        losing = asyncio.create_task(self._not_allowed())
        tasks = (working, leaving, losing)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        if not working.cancelled():
            error = working.exception()
            if isinstance(error, ApiError):
                await outlet.fail(error)
            elif error:
                raise error
        elif not losing.cancelled():
            if error := losing.exception():
                raise error
            _log.info("an answer was stopped: its key was removed")
            await outlet.fail(removed())

    async def _not_allowed(self) -> None:
        while self._allowed():
            await asyncio.sleep(LOOK_SECONDS)


async def _left(receive: Receive) -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()
