"""The connection to a tool server, whichever way it goes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage

from engine.status import Reason


class Ended:
    """Whether a connection has ended, and why."""

    def __init__(self) -> None:
        self.reason = Reason("tool_server_ended")
        self._event = asyncio.Event()

    def set(self, reason: Reason) -> None:
        """Notes the end; only the first reason counts."""
        if not self._event.is_set():
            self.reason = reason
            self._event.set()

    def is_set(self) -> bool:
        """Whether it has ended."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Returns when it has ended."""
        await self._event.wait()


@dataclass(frozen=True)
class Streams:
    """What an MCP session reads from and writes to."""

    read: MemoryObjectReceiveStream[SessionMessage | Exception]
    write: MemoryObjectSendStream[SessionMessage]
    ended: Ended = field(default_factory=Ended)
