"""One tool server: connected, listed, called, and connected again when it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
from mcp import McpError, types

from engine.processes import Record
from engine.status import Reason
from engine.system.outgoing import masked
from engine.tools.config import Entry
from engine.tools.http import ReplyTooLargeError, remote
from engine.tools.offered import Tool, offered
from engine.tools.result import Result, result_of, too_large
from engine.tools.session import Session
from engine.tools.stdio import program
from engine.tools.transport import Ended, Streams
from engine.wording import sentence

State = Literal["starting", "ready", "waiting"]

START_SECONDS = 120.0
"""How long a server may take until its tools are listed; npx and uvx may have to download it first."""
_PING_EVERY = 30.0
_PING_SECONDS = 5.0
_BACKOFF_LONGEST = 60.0
_PAGES = 20
"""The most pages of a server's list of tools."""


@dataclass
class _Connection:
    session: Session
    ended: Ended
    doubted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a call took too long, or the only one was stopped: does the server still answer?"""
    calls: int = 0


class Server:
    """Owns one server. `run` is its only task; `call` may be used from any other."""

    def __init__(self, entry: Entry, folder: Path, record: Record, say: Callable[[str], None]) -> None:
        """Takes the working folder of a program, the record of process groups, and where log lines go."""
        self.entry = entry
        self.state: State = "starting"
        self.reason: Reason | None = None
        """Why it is not ready."""
        self.tools: list[Tool] = []
        self.left_out: list[str] = []
        self.tried = asyncio.Event()
        """Set when the first attempt to connect has ended, either way."""
        self._folder = folder
        self._record = record
        self._log = say
        self._connection: _Connection | None = None
        self._worked = False
        """Whether this connection has had a result."""

    def _say(self, line: str) -> None:
        self._log(f"[{self.entry.name}] {line}")

    async def run(self) -> None:
        """Keeps the connection until cancelled."""
        failures = 0
        while True:
            self.state = "starting"
            try:
                reason = await self._one_connection()
                failures += 1
            except Exception as error:
                failures += 1
                reason = _why(error, self.entry)
            self.state, self.reason, self.tools = "waiting", reason, []
            self._say(sentence(reason))
            self.tried.set()
            # One that did some work is no hopeless case.
            failures = 1 if self._worked else failures
            self._worked = False
            await asyncio.sleep(min(2.0 ** (failures - 1), _BACKOFF_LONGEST))

    async def _one_connection(self) -> Reason:
        """Connects, and returns why the connection ended."""
        changed = asyncio.Event()
        async with self._transport() as streams:

            async def heard(message: object) -> None:
                if isinstance(message, types.ServerNotification):
                    if isinstance(message.root, types.ToolListChangedNotification):
                        changed.set()
                elif isinstance(message, httpx.HTTPError):
                    # The library reports what breaks a reply here, and leaves the call to its time limit.
                    streams.ended.set(_why(message, self.entry))

            async with Session(streams.read, streams.write, message_handler=heard) as session:
                return await self._attended(_Connection(session, streams.ended), changed)

    async def _attended(self, connection: _Connection, changed: asyncio.Event) -> Reason:
        starting = asyncio.create_task(self._start(connection.session))
        async with asyncio.timeout(START_SECONDS):
            if not await _first(starting, connection.ended):
                return connection.ended.reason
        await starting
        self._connection, self.state, self.reason = connection, "ready", None
        self._say(f"ready, with {len(self.tools)} tools")
        self.tried.set()
        try:
            return await self._attend(connection, changed)
        finally:
            self._connection = None
            connection.ended.set(Reason("tool_server_ended"))

    def _transport(self) -> AbstractAsyncContextManager[Streams]:
        if self.entry.url:
            return remote(self.entry)
        return program(self.entry, self._folder, self._record, self._say)

    async def _start(self, session: Session) -> None:
        await session.initialize()
        await self._list(session)

    async def _list(self, session: Session) -> None:
        found: list[types.Tool] = []
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await session.list_tools(params=types.PaginatedRequestParams(cursor=cursor))
            found += page.tools
            cursor = page.nextCursor
            if not cursor:
                break
        self.tools, self.left_out = offered(found, self.entry.name, self.entry.read_only_unasked)
        if self.left_out:
            self._say(f"not offered (too many, too large, or there twice): {', '.join(self.left_out)}")

    async def _attend(self, connection: _Connection, changed: asyncio.Event) -> Reason:
        while True:
            waits = [asyncio.create_task(event.wait()) for event in (connection.ended, connection.doubted, changed)]
            try:
                await asyncio.wait(waits, timeout=_PING_EVERY, return_when=asyncio.FIRST_COMPLETED)
                if waits[0].done():
                    return connection.ended.reason
            finally:
                for wait in waits:
                    wait.cancel()
            if changed.is_set():
                changed.clear()
                async with asyncio.timeout(START_SECONDS):
                    await self._list(connection.session)
                continue
            # A server may do one thing at a time, so one that works within its limit is not asked.
            busy = connection.calls and not connection.doubted.is_set()
            if not busy and not await self._answers(connection):
                return Reason("tool_server_silent")

    async def _answers(self, connection: _Connection) -> bool:
        """Whether it answers a ping."""
        connection.doubted.clear()
        try:
            async with asyncio.timeout(_PING_SECONDS):
                await connection.session.send_ping()
        except TimeoutError:
            return False
        except McpError as error:
            # "Method not found" is an answer, too.
            return not _is_gone(error)
        return True

    async def call(self, tool: str, arguments: dict[str, Any]) -> Result:
        """Calls a tool by its own name; never raises, except when cancelled."""
        connection = self._connection
        if connection is None:
            return Result(reason=Reason("tool_server_away", {"server": self.entry.name}))
        calling = asyncio.create_task(connection.session.call_tool(tool, arguments))
        connection.calls += 1
        try:
            # The library's own limit begins when the call is sent, which a server that reads nothing prevents.
            async with asyncio.timeout(self.entry.seconds):
                if not await _first(calling, connection.ended):
                    return Result(reason=connection.ended.reason)
            answer = await calling
        except TimeoutError:
            connection.doubted.set()
            return Result(reason=Reason("tool_slow", {"seconds": round(self.entry.seconds)}))
        except McpError as error:
            return Result(reason=self._refused(connection, error))
        except Exception as error:
            return Result(reason=Reason("tool_failed", {"error": _short(error)}))
        else:
            self._worked = True
            return result_of(answer)
        finally:
            connection.calls -= 1
            if not calling.done():
                calling.cancel()
                # Other calls doubt it themselves, when their time is over; until then it may be at work for them.
                if not connection.calls:
                    connection.doubted.set()

    def _refused(self, connection: _Connection, error: McpError) -> Reason:
        if _is_gone(error):
            connection.ended.set(Reason("tool_server_ended"))
            return connection.ended.reason
        return Reason("tool_failed", {"error": _short(error)})


async def _first(work: asyncio.Task[Any], ended: Ended) -> bool:
    """Waits until the work is done (True) or the connection has ended."""
    end = asyncio.create_task(ended.wait())
    try:
        await asyncio.wait({work, end}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        end.cancel()
        done = work.done()
        if not done:
            work.cancel()
    return done


def _is_gone(error: McpError) -> bool:
    """Whether it is the library's report that the connection or the session has ended, not the server's answer."""
    closed = error.error.code == types.CONNECTION_CLOSED and error.error.message == "Connection closed"
    return closed or error.error.message == "Session terminated"


def _why(error: BaseException, entry: Entry) -> Reason:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    match error:
        case FileNotFoundError() | PermissionError() if entry.command:
            return Reason("tool_no_program", {"program": entry.command, "error": error.strerror or str(error)})
        case ReplyTooLargeError():
            return too_large()
        case TimeoutError():
            return Reason("tool_server_slow", {"seconds": round(START_SECONDS)})
        case httpx.HTTPStatusError():
            return Reason("tool_server_refuses", {"url": masked(entry.url), "status": error.response.status_code})
        case httpx.HTTPError():
            return Reason("tool_server_unreachable", {"url": masked(entry.url), "error": _short(error)})
        case _:
            return Reason("tool_server_failed", {"error": _short(error)})


def _short(error: BaseException) -> str:
    return masked(" ".join((str(error) or type(error).__name__).split()))[:300]
