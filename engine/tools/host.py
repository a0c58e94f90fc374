"""All tool servers of `mcp.json`, which is read again when it changes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from engine import processes
from engine.config import Workspace
from engine.identity import Identity
from engine.processes import Record
from engine.status import Reason
from engine.tools.config import Entry, ToolsConfigError, read_config
from engine.tools.offered import Tool
from engine.tools.result import Result
from engine.tools.server import Server
from engine.wording import sentence

_LOOK_SECONDS = 1.0


class Host:
    """Runs the servers. `run` is its only task; the other methods may be used from any other."""

    def __init__(self, files: Workspace, say: Callable[[str], None], record: Record | None = None) -> None:
        """Takes the workspace, where log lines go, and the record of process groups; None: that of the workspace."""
        self._files = files
        self._say = say
        self._record = record or Record(files.tool_groups, Identity.of(files))
        self._servers: dict[str, tuple[Server, asyncio.Task[None]]] = {}
        self._seen: tuple[int, int, int] | bool | None = False
        self.read = asyncio.Event()
        """Set when the file was read for the first time."""
        self.problem: Reason | None = None
        """What is wrong with the file; the servers of the last right one go on."""

    @property
    def servers(self) -> list[Server]:
        """Those that run or are tried again, in the order of the file."""
        return [server for server, _ in self._servers.values()]

    async def run(self) -> None:
        """Runs until cancelled; then every server has ended."""
        for group in self._record.left_behind():
            await processes.end(group, grace=3.0)
        try:
            while True:
                if (seen := self._stamp()) != self._seen:
                    self._seen = seen
                    await self._read()
                    self.read.set()
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            await self._end(list(self._servers))

    async def call(self, name: str, arguments: dict[str, Any]) -> Result:
        """Calls a tool by its offered name; never raises, except when cancelled."""
        for server in self.servers:
            for tool in server.tools:
                if tool.name == name:
                    return await server.call(tool.own_name, arguments)
        return Result(reason=Reason("tool_unknown", {"tool": name[:100]}))

    @property
    def tools(self) -> list[Tool]:
        """Every tool that can be called now."""
        return [tool for server in self.servers for tool in server.tools]

    def as_json(self) -> dict[str, Any]:
        """The servers and their tools, for the web process."""
        return {
            "problem": asdict(self.problem) if self.problem else None,
            "servers": [
                {
                    "name": server.entry.name,
                    "state": server.state,
                    "reason": asdict(server.reason) if server.reason else None,
                    "seconds": server.entry.seconds,
                    "tools": [tool.as_json() for tool in server.tools],
                }
                for server in self.servers
            ],
        }

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self._files.tool_servers.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    async def _read(self) -> None:
        try:
            entries = {entry.name: entry for entry in await asyncio.to_thread(read_config, self._files.tool_servers)}
        except ToolsConfigError as error:
            self.problem = error.reason
            self._say(sentence(error.reason))
            return
        self.problem = None
        await self._end([name for name, (server, _) in self._servers.items() if server.entry != entries.get(name)])
        self._servers = {name: self._servers.get(name) or self._begin(entry) for name, entry in entries.items()}

    def _begin(self, entry: Entry) -> tuple[Server, asyncio.Task[None]]:
        server = Server(entry, self._files.tool_folders / entry.name, self._record, self._say)
        return server, asyncio.create_task(server.run())

    async def _end(self, names: list[str]) -> None:
        ending = [self._servers.pop(name)[1] for name in names]
        for task in ending:
            task.cancel()
        for task in ending:
            with contextlib.suppress(asyncio.CancelledError):
                await task
