"""`./start.sh tools`: the tools of `mcp.json`, what is wrong with a server, and a call by hand.

It starts the servers itself, so that it also works while nothing else runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from engine.config import Settings
from engine.identity import Identity
from engine.processes import Record
from engine.system.logs import plain
from engine.tools.host import Host
from engine.tools.result import Result
from engine.tools.server import START_SECONDS
from engine.wording import sentence


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Lists the tools, or calls one; exit status 1 if something is wrong."""
    files = settings.files
    if not files.tool_servers.exists():
        print(f"There are no tools: name tool servers in {files.tool_servers}. docs/tools.md has an example.")
        return 0
    arguments: dict[str, Any] = {}
    if chosen.call:
        try:
            arguments = json.loads(chosen.call[1])
        except (ValueError, RecursionError) as error:
            print(f"The arguments are not JSON ({error}).", file=sys.stderr)
            return 2
        if not isinstance(arguments, dict):
            print('The arguments must be an object, such as {"path": "."}.', file=sys.stderr)
            return 2
    files.create()
    return asyncio.run(_with_servers(settings, chosen.call[0] if chosen.call else "", arguments))


async def _with_servers(settings: Settings, name: str, arguments: dict[str, Any]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        # A record of its own: that of the workspace belongs to the servers that the supervisor runs.
        record = Record(Path(folder) / "groups.json", Identity("", "", "", ""))
        host = Host(settings.files, lambda line: print(plain(line), file=sys.stderr), record)
        running = asyncio.create_task(host.run())
        try:
            await _until_read(host, running)
            await asyncio.wait_for(
                asyncio.gather(*(server.tried.wait() for server in host.servers)), START_SECONDS + 10
            )
            return _shown(await host.call(name, arguments)) if name else _listed(host)
        finally:
            running.cancel()
            await asyncio.wait({running})


async def _until_read(host: Host, running: asyncio.Task[None]) -> None:
    """Waits until the file was read; raises what ended the host before that."""
    reading = asyncio.create_task(host.read.wait())
    await asyncio.wait({reading, running}, return_when=asyncio.FIRST_COMPLETED)
    if not reading.done():
        reading.cancel()
        await running


def _listed(host: Host) -> int:
    for server in host.servers:
        state = sentence(server.reason) if server.reason else f"{len(server.tools)} tools"
        print(plain(f"{server.entry.name}: {state}"))
        for tool in server.tools:
            note = " (runs unasked)" if tool.unasked else ""
            first = (tool.description.strip().splitlines() or [""])[0]
            print(plain(f"  {tool.name}{note}  {first[:100]}"))
    return 1 if host.problem or any(server.reason for server in host.servers) else 0


def _shown(result: Result) -> int:
    if result.reason:
        print(sentence(result.reason), file=sys.stderr)
    for part in result.parts:
        picture = f"[{part.get('mime')}, {len(part.get('data', '')) * 3 // 4} bytes]"
        print("\n".join(map(plain, part["text"].split("\n"))) if part["type"] == "text" else picture)
    return 1 if result.reason or result.failed else 0
