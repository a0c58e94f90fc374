"""An engine that is launched for one measurement, without a supervisor, and ended after it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from engine import processes
from engine.config import ROOT
from engine.engines.registry import engine_of
from engine.plans.launch import LaunchPlan
from engine.processes import Group
from engine.system.environment import without_secrets
from engine.system.local_http import get_text
from engine.wording import sentence

_READY_SECONDS = 900.0
"""Until it answers: kernels may be compiled first."""
_LOOK_SECONDS = 0.2
_GRACE = 20.0
_LAST_LINES = 5
_LONGEST_LINE = 65536


class LaunchError(Exception):
    """It does not start; the text is one sentence."""


@dataclass(frozen=True)
class Launched:
    """The engine, which answers now. `key` is a secret."""

    key: str
    group: Group
    ready_seconds: float


@asynccontextmanager
async def launched(plan: LaunchPlan, log: Path) -> AsyncIterator[Launched]:
    """Starts what the plan says, whose weights and environment are there; its output goes to `log`.

    Raises:
        LaunchError: it does not start.
    """
    key, began = secrets.token_urlsafe(), time.monotonic()
    try:
        process, output = await processes.start(plan.argv, without_secrets() | plan.env | {plan.key_env: key}, ROOT)
    except OSError as error:
        raise LaunchError(f"{plan.argv[0]} can't be started: {error.strerror}.") from None
    try:
        group = Group.of(process.pid)
    except ProcessLookupError:
        raise LaunchError(f"{plan.argv[0]} ended at once; run it by hand to see why.") from None
    listening = _Output(plan, log)
    hearing = asyncio.create_task(listening.hear(output))
    try:
        await _until_ready(plan, process, listening, began)
        yield Launched(key, group, time.monotonic() - began)
    finally:
        await processes.end(group, _GRACE)
        await hearing


async def _until_ready(plan: LaunchPlan, process: asyncio.subprocess.Process, output: _Output, began: float) -> None:
    url = plan.base_url.removesuffix("/v1") + plan.ready_path
    while not await asyncio.to_thread(_answers, url):
        if process.returncode is not None:
            raise LaunchError(f"{plan.traits.title} ended before it was ready: {output.why()}")
        if time.monotonic() - began > _READY_SECONDS:
            raise LaunchError(f"{plan.traits.title} was not ready after {_READY_SECONDS / 60:.0f} min: {output.why()}")
        await asyncio.sleep(_LOOK_SECONDS)


def _answers(url: str) -> bool:
    try:
        get_text(url, "", seconds=10)
    except (OSError, HTTPException, ValueError):
        return False
    return True


class _Output:
    """Its output: kept in a file, and understood as the supervisor does."""

    def __init__(self, plan: LaunchPlan, path: Path) -> None:
        self._path = path
        self._watcher = engine_of(plan.engine).watcher()
        self._last: deque[str] = deque(maxlen=_LAST_LINES)

    async def hear(self, output: asyncio.StreamReader) -> None:
        """Returns when it has ended."""
        rest = ""
        with self._path.open("w", errors="replace") as file:
            while data := await output.read(65536):
                text = data.decode(errors="replace")
                # On a full disk the log ends, but what the engine says is still read.
                with contextlib.suppress(OSError):
                    file.write(text)
                    file.flush()
                *lines, rest = re.split(r"[\r\n]+", rest + text)
                rest = rest[-_LONGEST_LINE:]
                for line in lines:
                    self._watcher.feed(line)
                    self._last.append(line.strip())

    def why(self) -> str:
        """Why it ended, as far as it says."""
        if self._watcher.failure:
            return sentence(self._watcher.failure.reason)
        return f"see {self._path}, which ends: {' / '.join(filter(None, self._last))}"
