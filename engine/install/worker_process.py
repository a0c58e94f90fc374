"""Runs work that precedes a launch and may take minutes in a separate process, so that a stop ends it at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from engine import processes
from engine.config import ROOT
from engine.processes import Group


async def run_chore(module: str, *arguments: str, on_line: Callable[[str], None], env: dict[str, str]) -> int:
    """Runs `python -m module arguments`, passes each printed line to `on_line`, and returns the exit status.

    Cancelling it ends the process and all its children.
    """
    argv = (sys.executable, "-m", module, *arguments)
    process, output = await processes.start(argv, os.environ | env, ROOT)
    group = Group.of(process.pid)
    try:
        async for line in output:
            on_line(line.decode(errors="replace").strip())
        return await process.wait()
    finally:
        await processes.end(group, grace=2.0)
