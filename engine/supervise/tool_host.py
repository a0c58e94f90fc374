"""Starts the process that runs the tool servers, once there is a `mcp.json`."""

from __future__ import annotations

import asyncio
import os
import sys

from engine import processes
from engine.config import Settings
from engine.install.fetching import Report
from engine.supervise.service import Launch
from engine.system.atomic_write import replace_json

_LOOK_SECONDS = 2.0


async def launch_tools(settings: Settings, _: Report) -> Launch:
    """Waits until the owner has named tool servers; then returns how to start them, at a port that is free.

    The web process finds the address in `run/tools.json`. The process gets our whole environment, since `mcp.json` may
    name any variable; a tool server gets only what is named for it (engine/tools/stdio.py).
    """
    files = settings.files
    while not files.tool_servers.exists():
        await asyncio.sleep(_LOOK_SECONDS)
    port = processes.free_port()
    address = f"http://127.0.0.1:{port}"
    replace_json(files.tool_host, {"url": address})
    argv = (sys.executable, "-m", "engine.tools", "--port", str(port))
    return Launch(argv, os.environ, "127.0.0.1", port, address + "/healthz")
