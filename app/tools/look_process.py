"""Runs one of our own tools in a separate process with limits, which can be killed.

The process gets the tool, its arguments, the model's limits and the picture on standard input, and writes the result to
standard output: one line of JSON, then the bytes of the pictures.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.fair_queue import FairLine, LineFullError
from app.files.pictures import PictureLimits
from app.tools.looking import LOOKS, LookError
from app.tools.tool import Outcome
from engine.config import ROOT

_SECONDS = 60
"""Of processor time."""
_WALL_SECONDS = 120
_WAIT_SECONDS = 300
_MOST_MEMORY = 4 * 1024**3
_AT_ONCE = 2
_NICENESS = 5
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH")
_line = FairLine(_AT_ONCE)
"""For all chats together."""


async def look(
    tool: str, arguments: Mapping[str, Any], data: bytes, limits: PictureLimits, person: str = ""
) -> Outcome:
    """Runs `tool` on the picture `data`, each `person` in turn; what goes wrong is in the outcome, for the model.

    Raises:
        OSError: the process can't be started.
    """
    try:
        async with _line.place(person, _WAIT_SECONDS):
            return await _look(tool, arguments, data, limits)
    except LineFullError:
        return Outcome("Too many others use the tools for pictures now; call it again later.", failed=True)


async def _look(tool: str, arguments: Mapping[str, Any], data: bytes, limits: PictureLimits) -> Outcome:
    head = json.dumps({"tool": tool, "arguments": arguments, "limits": asdict(limits)}).encode() + b"\n"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
    )  # fmt: skip
    said = b""
    try:
        async with asyncio.timeout(_WALL_SECONDS):
            said, _ = await process.communicate(head + data)
    except TimeoutError:
        return Outcome(f"The tool gave no result within {_WALL_SECONDS} s.", failed=True)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        return Outcome("The tool failed on this picture.", failed=True)
    first, _, rest = said.partition(b"\n")
    found = json.loads(first)
    outcome = Outcome(found["text"], found["failed"])
    for size in found["sizes"]:
        outcome.pictures.append(rest[:size])
        rest = rest[size:]
    return outcome


def _main() -> None:
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS + 1))
    asked = json.loads(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read()
    try:
        text, pictures = LOOKS[asked["tool"]](data, asked["arguments"], PictureLimits(**asked["limits"]))
        failed = False
    except LookError as error:
        text, pictures, failed = str(error), [], True
    head = {"text": text, "failed": failed, "sizes": [len(picture) for picture in pictures]}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + b"".join(pictures))


if __name__ == "__main__":
    _main()
