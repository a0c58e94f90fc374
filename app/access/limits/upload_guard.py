"""Keeps uploads from exhausting disk, memory and connections: plain ASGI, like `guards.py`.

- `UploadGuard`: reads a file only from a signed-in user, if the disk has room for it and its page is connected; and
  only a few files of one user at a time.
- `BodyPace`: gives up a body that arrives too slowly.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

from chainlit.session import ws_sessions_id
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.limits.guards import UPLOAD_PATHS, refuse
from app.access.signed_in import user_of
from app.files.room import has_room

MOST_FILES = 500
"""The most files of one open chat; Chainlit keeps them on the disk as long as its session."""
_CONNECTING_SECONDS = 5.0
_LOOK_SECONDS = 0.05


class UploadGuard:
    """Checks uploads before they are read; inside `StillWelcome`, which removes invalid login cookies."""

    def __init__(self, app: ASGIApp, folder: Path, at_once: int = 4) -> None:
        self._app = app
        self._folder = folder
        self._at_once = at_once
        self._reading: Counter[str] = Counter()
        self._freed = asyncio.Condition()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in UPLOAD_PATHS:
            await self._app(scope, receive, send)
            return
        user = user_of(scope)
        if user is None:
            await refuse(scope, receive, send, 401, "refused_stranger")
        elif not self._has_room(Headers(scope=scope).get("content-length", "")):
            await refuse(scope, receive, send, 507, "refused_disk")
        elif _files_of(scope) >= MOST_FILES:
            await refuse(scope, receive, send, 429, "refused_files", most=MOST_FILES)
        else:
            await _until_connected(scope)
            await self._in_turn(user.identifier, scope, receive, send)

    def _has_room(self, declared: str) -> bool:
        return has_room(self._folder, int(declared) if declared.isdigit() else 0)

    async def _in_turn(self, person: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs at most `at_once` uploads of a user; others wait unread, in the kernel's socket buffers."""
        async with self._freed:
            await self._freed.wait_for(lambda: self._reading[person] < self._at_once)
            self._reading[person] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            async with self._freed:
                self._reading[person] -= 1
                if not self._reading[person]:
                    del self._reading[person]
                self._freed.notify_all()


def _files_of(scope: Scope) -> int:
    session = ws_sessions_id.get(HTTPConnection(scope).query_params.get("session_id") or "")
    return len(session.files) if session else 0


async def _until_connected(scope: Scope) -> None:
    """Waits for the page's socket: a picture pasted right after loading arrives before it.

    Chainlit keeps files with the session, and rejects one without a session.
    """
    session = HTTPConnection(scope).query_params.get("session_id")
    end = time.monotonic() + _CONNECTING_SECONDS
    while session and session not in ws_sessions_id and time.monotonic() < end:
        await asyncio.sleep(_LOOK_SECONDS)


class BodyPace:
    """Gives up a request whose body stalls for `idle` seconds, or arrives slower than `slowest` bytes a second."""

    def __init__(self, app: ASGIApp, idle: float = 30.0, slowest: float = 4096.0) -> None:
        self._app = app
        self._idle = idle
        self._slowest = slowest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received, complete, slow, answered = 0, False, False, False
        began: float | None = None

        async def paced() -> Message:
            nonlocal began, received, complete, slow
            if complete:
                return await receive()
            # Timed from the first read, so that waiting in a queue does not count.
            began = began or time.monotonic()
            due = began + self._idle + received / self._slowest
            try:
                async with asyncio.timeout(max(0.0, min(self._idle, due - time.monotonic()))):
                    message = await receive()
            except TimeoutError:
                slow = True
                raise _TooSlowError from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            return message

        async def watched(message: Message) -> None:
            nonlocal answered
            # FastAPI sends its own response to an exception raised while it reads a body.
            if not slow or answered:
                answered = True
                await send(message)

        try:
            await self._app(scope, paced, watched)
        except _TooSlowError:
            if answered:
                raise
        if slow and not answered:
            await refuse(scope, receive, send, 408, "refused_slow")


class _TooSlowError(Exception):
    """Raised inside `receive`, to stop any code that reads the body."""
