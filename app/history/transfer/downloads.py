"""Responses that browsers save as a file: streamed while they are generated, a few at once for each user."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from urllib.parse import quote

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.errors import Refusal
from app.fair_queue import FairLine, LineFullError

_CHUNK_BYTES = 64 * 1024
_log = logging.getLogger("app.history.transfer.downloads")


class Downloads:
    """The queue of all downloads.

    A user's further ones wait up to `patience` seconds; one whose client reads less than 64 KB in `seconds` is cut off.
    """

    def __init__(self, of_one: int = 2, patience: float = 30.0, seconds: float = 60.0) -> None:
        self.line = FairLine(at_once=8 * of_one, of_one=of_one, waiting=50)
        self.patience = patience
        self.seconds = seconds

    def reply(self, pieces: AsyncIterator[bytes], person: str, name: str, kind: str) -> Download:
        """A response with these bytes for `person`, as a file with this name and media type."""
        return Download(self, person, pieces, name, kind)


class Download(StreamingResponse):
    """One download. It is not generated before its turn in the queue."""

    def __init__(self, downloads: Downloads, person: str, pieces: AsyncIterator[bytes], name: str, kind: str) -> None:
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Cache-Control": "no-store"}
        super().__init__(_chunks(pieces), media_type=kind, headers=headers)
        self._downloads = downloads
        self._person = person

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the response once there is room for it.

        Raises:
            Refusal: too many of this user's downloads are running.
        """
        try:
            async with self._downloads.line.place(self._person, self._downloads.patience):
                await super().__call__(scope, receive, send)
        except LineFullError:
            raise Refusal(429, "refused_downloads") from None

    async def stream_response(self, send: Send) -> None:
        """Streams the body. One that is cut off never gets its final chunk, so the client knows it is incomplete."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self.body_iterator) as chunks:  # type: ignore[type-var] # ours is a generator
            async for chunk in chunks:
                try:
                    async with asyncio.timeout(self._downloads.seconds):
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
                except TimeoutError:
                    _log.warning("a download was cut off: its client read too little for %g s", self._downloads.seconds)
                    return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _chunks(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in chunks large enough to send, and small enough for a slow client."""
    waiting = bytearray()
    async for piece in pieces:
        waiting += piece
        while len(waiting) >= _CHUNK_BYTES:
            yield bytes(waiting[:_CHUNK_BYTES])
            del waiting[:_CHUNK_BYTES]
    if waiting:
        yield bytes(waiting)
